"""Lists of values that decide, or that event rules ask."""
