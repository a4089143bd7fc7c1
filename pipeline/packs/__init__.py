"""The domains, each a pack: what it counts, judges and says, as pure functions."""
