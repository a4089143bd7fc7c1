"""What the measurements of speed have in common."""
