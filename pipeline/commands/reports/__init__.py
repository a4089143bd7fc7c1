"""Commands that make a file for people."""
