"""The inbox of incidents, and everything about one of them."""
