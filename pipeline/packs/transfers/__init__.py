"""Transfers and cards: every payment judged as it happens."""
