"""Payments beside the minute: the ways in, the check before a transfer, rules and lists in force."""
