"""What rules of the pack transfers ask about earlier events: measures, and the windows that answer them."""
