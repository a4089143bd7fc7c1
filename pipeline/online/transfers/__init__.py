"""Transfers beside the minute: how events come in."""
