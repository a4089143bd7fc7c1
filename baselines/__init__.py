"""What is normal: shared statistics, calendar, tiers, facts, tuned numbers; a pack's own in its folder."""
