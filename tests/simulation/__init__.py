"""Faults on purpose: what the promises are worth when everything fails at once."""
