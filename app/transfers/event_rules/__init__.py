"""Event rules: what judges, what is written, what it would have done, and who lets it judge."""
