"""The stand-in for a transfer service: its accounts, payments as they happen, labelled cases, its outbox."""
