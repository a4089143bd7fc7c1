"""The gate in front of page, WebSocket and API, and the few pages of its own that people sign in on."""
