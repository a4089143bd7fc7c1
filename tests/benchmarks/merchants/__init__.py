"""Measurements of what only the merchants have."""
