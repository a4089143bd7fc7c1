"""What analysts ask in SQL: the catalog of views over the published files, and questions to them."""
