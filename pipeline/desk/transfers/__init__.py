"""What people do with payments that are judged as they happen: event rules, lists, what became of a transfer."""
