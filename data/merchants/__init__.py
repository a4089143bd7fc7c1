"""The stand-in trade server of a payment company: its tables, its traffic, its labelled incidents."""
