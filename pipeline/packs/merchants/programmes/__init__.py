"""Programmes of card networks and laws: how a month will end, and when a limit is breached. Pure."""
