"""One entity: found by its name, and what is known of it."""
