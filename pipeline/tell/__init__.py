"""Messages: their data, their words, the outbox, and the channels that deliver them."""
