"""Rows within the second: read when they are committed, judged and told at once."""
