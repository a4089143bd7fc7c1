"""The way of the data: a company's database to minute files, verdicts, incidents and messages."""
