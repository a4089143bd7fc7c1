"""Another company's tables, as its database describes them."""
