"""The company's database: read and nothing else, in its dialect."""
