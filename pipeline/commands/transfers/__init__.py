"""Commands of the pack of transfers."""
