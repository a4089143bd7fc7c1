"""One module per command, or for a few that belong together. Each reads its options, calls, and reports."""

from typing import Final

#: Where each command lives. Modules are imported when their command is asked for, so `--help` is quick.
COMMANDS: Final = {
    "demo": "pipeline.commands.demo",
    "connect": "pipeline.commands.merchants.connect",
    "run": "pipeline.commands.work",
    "backfill": "pipeline.commands.work",
    "catch-up": "pipeline.commands.work",
    "reconcile": "pipeline.commands.work",
    "simulate": "pipeline.commands.simulate",
    "load": "pipeline.commands.merchants.load",
    "backtest": "pipeline.commands.backtest",
    "regret": "pipeline.commands.regret",
    "forecast": "pipeline.commands.merchants.forecast",
    "explain": "pipeline.commands.judgement",
    "report": "pipeline.commands.reports.report",
    "sql": "pipeline.commands.analyst",
    "rules": "pipeline.commands.rules",
    "event-rules": "pipeline.commands.transfers.event_rules",
    "lists": "pipeline.commands.transfers.lists",
    "learn": "pipeline.commands.transfers.learned",
    "learned": "pipeline.commands.transfers.learned",
    "incidents": "pipeline.commands.incidents",
    "windows": "pipeline.commands.withheld",
    "exclusions": "pipeline.commands.withheld",
    "outbox": "pipeline.commands.outbox",
    "relay": "pipeline.commands.transfers.relay",
    "dead": "pipeline.commands.transfers.dead",
    "breaker": "pipeline.commands.transfers.dead",
    "correct": "pipeline.commands.transfers.dead",
    "routes": "pipeline.commands.routes",
    "silences": "pipeline.commands.routes",
    "dashboard": "pipeline.commands.dashboard",
    "users": "pipeline.commands.access.users",
    "sessions": "pipeline.commands.access.users",
    "keys": "pipeline.commands.access.users",
    "audit": "pipeline.commands.access.audit",
    "budget": "pipeline.commands.budget",
    "check": "pipeline.commands.check",
    "serve": "pipeline.commands.transfers.serve",
    "rejudge": "pipeline.commands.transfers.serve",
    "start-anew": "pipeline.commands.start_anew",
}

#: What each pack puts on where there is no company: a module with one value, SHOW.
SHOWS: Final = {
    "merchants": "pipeline.commands.merchants.show",
    "transfers": "pipeline.commands.transfers.show",
}
