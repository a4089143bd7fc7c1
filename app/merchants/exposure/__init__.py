"""What every merchant owes and may come to owe, the most to lose first."""
