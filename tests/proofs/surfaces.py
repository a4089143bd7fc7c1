"""What an installation shows, as proofs: views, signals, incidents, messages, accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.proofs import names
from tests.proofs.home import Home, Proof, line, picked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_PER_DAY = """
SELECT CAST(CAST(minute AS TIMESTAMP) AS DATE) AS day, count(*) AS lines,
       sha256(string_agg(line, chr(10) ORDER BY line)) AS sha256
FROM (SELECT minute, concat_ws('|', epoch(minute)::BIGINT, {columns}) AS line FROM {view})
GROUP BY day ORDER BY day
"""


def views(home: Home, name: str) -> Iterator[Proof]:
    """The columns of every view, and which there are."""
    listed, *described = home.sql("SHOW TABLES", *(f"DESCRIBE {view}" for view in names.VIEWS))
    yield Proof(f"{name}/views", sorted(row["name"] for row in listed), shown=True)
    for view, columns in zip(names.VIEWS, described, strict=True):
        lines = [f"{column['column_name']} {column['column_type']}" for column in columns]
        yield Proof(f"{name}/views/{view}", lines, shown=True)


def counted(home: Home, name: str) -> Iterator[Proof]:
    """What was counted: a line a day with the hash of its rows, the days of merchants, rows set aside."""
    per_minute, _, per_day, _, set_aside = names.VIEWS
    days, merchants, aside = home.sql(
        _PER_DAY.format(columns=", ".join(names.MERCHANT_MINUTE[1:]), view=per_minute),
        f"FROM {per_day} ORDER BY ALL",
        ordered(set_aside, names.QUARANTINE),
    )
    yield Proof(f"{name}/counted", values(days), shown=True)
    yield Proof(f"{name}/days", values(merchants))
    yield Proof(f"{name}/set_aside", values(aside))


def judged(home: Home, name: str) -> Iterator[Proof]:
    """What judging has left: ledger, signals, incidents, what people are told, in order."""
    yield Proof(f"{name}/ledger", home.table(names.LEDGER_TABLE, names.LEDGER_SQL, "minute"))
    yield Proof(f"{name}/signals", values(*home.sql(ordered(names.VIEWS[3], names.SIGNAL))))
    yield Proof(f"{name}/incidents", home.table(names.INCIDENT_TABLE, names.INCIDENT_SQL, "incident_id"))
    yield Proof(f"{name}/events", home.table("outbox", names.TOLD, "outbox_id"))
    contents = home.rows("SELECT incident_id, message FROM outbox ORDER BY outbox_id")
    yield Proof(f"{name}/messages", [line(told) for told in names.told(contents)])


def listed(home: Home, name: str) -> Iterator[Proof]:
    """Incidents and events as their commands list them, and the first incident as its command shows it."""
    found = home.ask("incidents", "list", "--all", "--limit", "10000")["incidents"]
    yield Proof(f"{name}/incidents_listed", [picked(row, names.LISTED) for row in found])
    shown = home.ask("incidents", "show", "1")
    told = [[message["event"], message["minute"]] for message in shown["messages"]]
    yield Proof(f"{name}/incident_shown", [picked(shown, names.SHOWN), line(told)])
    events = home.ask("outbox", "list", "--limit", "10000")["messages"]
    yield Proof(f"{name}/events_listed", [picked(row, names.TOLD) for row in events])


def ordered(view: str, columns: Sequence[str]) -> str:
    """The question for all rows of a view, sorted by all columns."""
    return f"SELECT {', '.join(columns)} FROM {view} ORDER BY ALL"


def values(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The values of rows, a line each."""
    return [line(list(row.values())) for row in rows]


def explained(home: Home, name: str, merchant: str, minute: str) -> Iterator[Proof]:
    """Why a merchant fired at a minute or did not, for people and for machines."""
    text = home.run("explain", merchant, minute).splitlines()
    content = home.ask("explain", merchant, minute)
    del content["rules_version"]  # versions came later than the record, and change nothing of it
    yield Proof(f"{name}/explained/{merchant} {minute}", [*text, line(content)])


def backtested(home: Home, name: str, policy: str, start: str, end: str) -> Iterator[Proof]:
    """What a policy would have raised over a period."""
    file = home.folder / f"signals-{policy}"
    found = home.ask(
        "backtest", "--from", start, "--to", end, "--policy", policy, "--jobs", "1", "--signals", str(file)
    )
    summary = [f"{key} {line(found[key])}" for key in names.BACKTEST]
    yield Proof(f"{name}/backtest/{policy}", summary, shown=True)
    lines = file.read_text(encoding="utf-8").splitlines()
    yield Proof(f"{name}/backtest/{policy}/signals", lines)


def caught_up(home: Home, name: str, *arguments: str) -> Proof:
    """Judge minutes as live does; what the command says of it."""
    found = home.ask("catch-up", *arguments)
    return Proof(name, [f"{key} {line(found[key])}" for key in names.CAUGHT_UP], shown=True)
