"""The check before a transfer, and what people see live: one process, in which everything is answered in turn."""
