"""What of merchants works beside the minute: programmes looked at ahead, once a business day."""
