"""Shards: processes that hold the windows of some entities each, and the one that leads them."""
