"""Commands about the money of incidents."""
