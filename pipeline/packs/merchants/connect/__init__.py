"""How a company's tables become transactions of merchants: proposed, previewed, written as queries. Pure."""
