"""The way of the data: trade database to minute files, verdicts, incidents and messages."""
