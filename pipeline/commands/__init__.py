"""One module per command, or for a few that belong together. Each reads its options, calls, and reports."""

from typing import Final

#: Where each command lives. Modules are imported when their command is asked for, so `--help` is quick.
COMMANDS: Final = {
    "demo": "pipeline.commands.merchants.demo",
    "connect": "pipeline.commands.merchants.connect",
    "run": "pipeline.commands.work",
    "backfill": "pipeline.commands.work",
    "catch-up": "pipeline.commands.work",
    "reconcile": "pipeline.commands.work",
    "simulate": "pipeline.commands.merchants.trade",
    "load": "pipeline.commands.merchants.trade",
    "backtest": "pipeline.commands.backtest",
    "explain": "pipeline.commands.judgement",
    "sql": "pipeline.commands.analyst",
    "rules": "pipeline.commands.rules",
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
    "users": "pipeline.commands.users",
    "sessions": "pipeline.commands.users",
    "keys": "pipeline.commands.users",
    "audit": "pipeline.commands.audit",
    "budget": "pipeline.commands.budget",
    "check": "pipeline.commands.check",
    "start-anew": "pipeline.commands.start_anew",
}
