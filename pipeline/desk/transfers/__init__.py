"""What people do with payments that are judged at once: event rules, lists, what became of them."""
