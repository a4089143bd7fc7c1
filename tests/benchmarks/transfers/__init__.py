"""Measurements of the pack transfers."""
