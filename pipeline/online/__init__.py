"""What of a pack works beside the minute: relays, HTTP, what people change at once. A room for each pack."""
