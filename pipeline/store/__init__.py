"""What is ours: the operational database and the lake."""
