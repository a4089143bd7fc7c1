"""The money of merchants: settlements as they come, cohorts of cancels, the book's prices, what is proposed."""
