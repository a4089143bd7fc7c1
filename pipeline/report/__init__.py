"""The report of a day, a week or an incident: one HTML file, printed on A4, signed; and its job each day."""
