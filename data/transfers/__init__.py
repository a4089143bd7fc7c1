"""The stand-in for the database of a transfer service."""
