"""The commands of `minuterisk`, a module per kind of work."""
