"""What of a pack works beside the minute: relays, HTTP. Each pack has a folder of its own."""
