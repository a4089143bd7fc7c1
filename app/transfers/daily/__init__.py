"""What a business day was like: judged, stopped, found, and what went wrong."""
