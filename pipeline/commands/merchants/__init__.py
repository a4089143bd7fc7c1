"""Commands about merchants: the demo, the stand-in trade server, and a company's own tables."""
