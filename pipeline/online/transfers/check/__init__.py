"""The check before a transfer, and what people see live: one process that answers in turn."""
