"""Settlement risk of merchants: cancels after the payout, and sales that vanish. Pure."""
