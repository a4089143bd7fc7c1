"""What is normal for a merchant: sliding windows, pacing by time of day, and the tuned numbers."""
