"""The money of merchants: settlements, cohorts of cancels, the prices of the book, what is proposed."""
