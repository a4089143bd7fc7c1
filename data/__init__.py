"""The stand-in trade server: its schema, its traffic, its labelled incidents, and loading files into it."""
