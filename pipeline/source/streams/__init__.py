"""Rows of PostgreSQL as they stream: by COPY, and in two time slices of one snapshot. Inside `source`."""
