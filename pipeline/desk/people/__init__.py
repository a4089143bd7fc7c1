"""Who comes in: accounts, sessions, API keys, and how somebody shows who they are."""
