"""What is normal for a merchant: sliding windows, same-time-of-day pacing, tiers, tuned numbers."""
