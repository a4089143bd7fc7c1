"""The stand-in bank: its accounts, payments as they happen, labelled cases of all twelve rules, its outbox."""
