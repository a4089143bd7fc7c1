"""Commands of the pack transfers."""
