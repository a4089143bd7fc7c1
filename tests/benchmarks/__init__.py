"""Measurements, each with a ratio taken in one run; never asserted in a timed test."""
