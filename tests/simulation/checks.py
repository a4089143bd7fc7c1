"""Source, ledger, Parquet, incidents and outbox against each other and against a judgement from scratch."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import polars as pl

from baselines.merchants.rules import load_rules
from pipeline.packs.merchants.schema import ADDED_COUNTS, MERCHANT_MINUTE, QUARANTINE, SIGNAL
from pipeline.schema import conform
from pipeline.settings import Settings
from tests.oracle import LifeCycle, Numbers, Oracle, Transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from tests.simulation.world import World

MINUTE = timedelta(minutes=1)
RESOLVE_AFTER_MINUTES = load_rules(Settings().rules).incident.resolve_after_minutes

#: The oracle's own reading of what is a good row (design section 3), in SQL.
_GOOD = "merchant_id IS NOT NULL AND kind IN ('APPROVAL', 'CANCEL') AND amount >= 0"
_COUNTED = f"""
SELECT date_trunc('minute', occurred_at, 'UTC') AS minute, merchant_id,
       count(*) FILTER (WHERE kind = 'APPROVAL') AS approval_count,
       count(*) FILTER (WHERE kind = 'CANCEL') AS cancel_count,
       coalesce(sum(amount) FILTER (WHERE kind = 'APPROVAL'), 0)::bigint AS approval_amount,
       coalesce(sum(amount) FILTER (WHERE kind = 'CANCEL'), 0)::bigint AS cancel_amount,
       count(*) FILTER (WHERE kind = 'CANCEL' AND original_occurred_at <= occurred_at
           AND original_occurred_at >= occurred_at - interval '24 hours') AS cancel_fresh_count,
       count(*) FILTER (WHERE kind = 'CANCEL' AND original_occurred_at < occurred_at - interval '24 hours')
           AS cancel_older_count
FROM transactions WHERE {_GOOD} AND occurred_at >= %s AND occurred_at < %s GROUP BY 1, 2
"""


def differences(world: World, oracle_minutes: int = 3) -> list[str]:
    """Everything that is not as promised; an empty list is what we want."""
    with world.state() as connection:
        bounds = _all(
            connection, "SELECT min(minute) AS first, max(minute) AS last, count(*) AS n FROM minute_ledger"
        )[0]
        if bounds["n"] == 0:
            return ["nothing is published"]
        first, end = bounds["first"], bounds["last"] + MINUTE
        holes = (end - first) // MINUTE - bounds["n"]
        found = [f"{holes} holes in the ledger"] if holes else []
        found += _files(world, connection)
        found += _counts(world, connection, first, end)
        found += _outbox(connection)
        if not found:
            found += _judgement(world, connection, first, oracle_minutes)
    return found


def published(world: World, dataset: str, schema: pl.Schema) -> pl.DataFrame:
    """What readers see of a dataset, through the manifest."""
    manifest = json.loads((world.home / "manifest.json").read_text(encoding="utf-8"))
    paths = [world.home / "lake" / file["path"] for file in manifest["datasets"][dataset]]
    return pl.concat([pl.read_parquet(path) for path in paths]) if paths else schema.to_frame()


def source_counts(world: World, first: datetime, end: datetime) -> pl.DataFrame:
    """Merchant-minutes as the source itself counts them."""
    with world.trade() as connection:
        rows = connection.execute(_COUNTED.encode(), [first, end]).fetchall()
    return conform(_frame(rows, MERCHANT_MINUTE), MERCHANT_MINUTE)


def _counts(world: World, connection: psycopg.Connection, first: datetime, end: datetime) -> list[str]:
    source = source_counts(world, first, end).sort("minute", "merchant_id")
    lake = published(world, "merchant_minute", MERCHANT_MINUTE).sort("minute", "merchant_id")
    found = _apart("merchant-minutes of the source", source, "Parquet", lake)
    measures = [name for name in MERCHANT_MINUTE.names()[2:] if name not in ADDED_COUNTS]
    by_minute = lake.group_by("minute").agg(pl.col(measures).sum()).sort("minute")
    of_ledger = (f"(sums->>'{name}')::bigint AS {name}" for name in measures)
    ledger = _frame(
        connection.execute(
            f"SELECT minute, {', '.join(of_ledger)} FROM minute_ledger ORDER BY 1".encode()
        ).fetchall(),
        pl.Schema({name: MERCHANT_MINUTE[name] for name in ["minute", *measures]}),
    )
    silent = pl.any_horizontal(pl.col(measures) > 0)
    found += _apart("Parquet by minute", by_minute, "ledger", ledger.filter(silent))
    with world.trade() as trade:
        bad = trade.execute(
            f"SELECT transaction_id::text FROM transactions WHERE NOT coalesce({_GOOD}, false)"
            " AND occurred_at >= %s AND occurred_at < %s".encode(),
            [first, end],
        ).fetchall()
    aside = published(world, "quarantine", pl.Schema({"minute": SIGNAL["minute"], **QUARANTINE}))
    if sorted(row[0] for row in bad) != sorted(aside["transaction_id"].to_list()):
        found.append(f"{len(bad)} rows of the source are bad, {aside.height} are set aside")
    return found


def _files(world: World, connection: psycopg.Connection) -> list[str]:
    """The manifest is the ledger's live files; each is there with its bytes."""
    live = {row["path"]: row for row in _all(connection, "SELECT * FROM lake_file WHERE retired_at IS NULL")}
    manifest = json.loads((world.home / "manifest.json").read_text(encoding="utf-8"))
    listed = [file["path"] for files in manifest["datasets"].values() for file in files]
    found = []
    if sorted(listed) != sorted(live):
        found.append(f"the manifest lists {len(listed)} files, the ledger {len(live)}")
    version = _all(connection, "SELECT version FROM watermark")[0]["version"]
    if manifest["version"] != version:
        found.append(f"the manifest is version {manifest['version']}, the ledger {version}")
    for path, row in live.items():
        try:
            digest = hashlib.sha256((world.home / "lake" / path).read_bytes()).hexdigest()
        except OSError as error:
            found.append(f"{path}: {error.strerror}")
            continue
        if digest != row["sha256"]:
            found.append(f"{path}: not the bytes that were committed")
    return found


def _judgement(
    world: World, connection: psycopg.Connection, first: datetime, oracle_minutes: int
) -> list[str]:
    """Signals and incidents against every judged minute judged again from the source, by the plain oracle."""
    judged = [
        row["minute"]
        for row in _all(connection, "SELECT minute FROM minute_ledger WHERE judged_at IS NOT NULL ORDER BY 1")
    ]
    if not judged:
        return []
    files = published(world, "signal", SIGNAL)
    lake = files.rename({"merchant_id": "entity_id"}, strict=False).sort("minute", "entity_id", "rule")
    again = _judge_again(world, first, judged).sort("minute", "entity_id", "rule")
    found = _apart("signals judged again", again, "published ones", lake)
    if oracle_minutes:
        found += _against_oracle(world, first, judged, lake, oracle_minutes)
    return found + _incidents(connection, lake, judged[-1])


def _judge_again(world: World, first: datetime, judged: Sequence[datetime]) -> pl.DataFrame:
    from baselines.facts import Facts  # noqa: PLC0415
    from baselines.merchants.windows import Windows  # noqa: PLC0415 - only this check needs the windows
    from pipeline.judge.hold import Gates  # noqa: PLC0415
    from pipeline.packs.merchants import JUDGE, PACK  # noqa: PLC0415
    from pipeline.packs.merchants.rules.rule import Situation  # noqa: PLC0415

    settings = world.settings()
    rules = load_rules(settings.rules)
    counts = source_counts(world, first, judged[-1] + MINUTE).sort("minute", "merchant_id")
    windows = Windows(settings.business_timezone, rules.volume_drop.baseline_days)
    windows.add_many(first, judged[0], counts.filter(pl.col("minute") < judged[0]))
    by_minute = {key[0]: rows for key, rows in counts.partition_by("minute", as_dict=True).items()}
    signals, gates = [PACK.signal.to_frame()], Gates(PACK, rules, settings.policy)
    for minute in judged:
        windows.add(minute, by_minute.get(minute, counts.clear()))
        found = JUDGE.verdicts(Situation(windows, rules, settings.policy, Facts())).frame()
        signals.append(gates.hold(minute, found))
    return pl.concat(signals)


def _against_oracle(
    world: World, first: datetime, judged: Sequence[datetime], lake: pl.DataFrame, minutes: int
) -> list[str]:
    """The plain oracle reads every transaction for every number: a few minutes, spread over the run."""
    with world.trade() as connection:
        rows = connection.execute(
            f"SELECT merchant_id, kind, amount, occurred_at FROM transactions WHERE {_GOOD}".encode()
        ).fetchall()
    settings = world.settings()
    oracle = Oracle([Transaction(*row) for row in rows], settings.business_timezone, Numbers(), first)
    found = []
    for minute in [judged[(n + 1) * len(judged) // minutes - 1] for n in range(minutes)]:
        wanted = oracle.signals(minute, settings.policy)
        ours = lake.filter(pl.col("minute") == minute).to_dicts()
        names = ("rule", "entity_id", "tier", "passed", "reason")
        keys = [sorted(tuple(s[name] for name in names) for s in signals) for signals in (wanted, ours)]
        if keys[0] != keys[1]:
            found.append(f"{minute}: the oracle's signals are {keys[0]}, ours {keys[1]}")
    return found


def _incidents(connection: psycopg.Connection, signals: pl.DataFrame, last: datetime) -> list[str]:
    """One incident, at least, for each episode that the oracle's life cycle makes of the final signals.

    A correction may have opened an incident a little later than the final numbers would have; it is then the
    same episode. An incident that is not marked corrected has a signal; two of a key never overlap.
    """
    incidents = _all(connection, "SELECT * FROM incident ORDER BY opened_minute")
    fired: dict[tuple[str, str], list[datetime]] = {}
    for row in signals.filter("passed").sort("minute").iter_rows(named=True):
        fired.setdefault((row["rule"], row["entity_id"]), []).append(row["minute"])
    found = []
    for key, start, end in _episodes(fired, last):
        if not any(
            _key(i) == key and _overlap(i, start, end, last)
            for i in incidents
            if i["corrected_minute"] is None
        ):
            found.append(f"no incident for {key} from {start} to {end}")
    for i in incidents:
        minutes = fired.get(_key(i), ())
        if i["corrected_minute"] is None and not any(_overlap(i, m, m, last) for m in minutes):
            found.append(f"incident {i['incident_id']} of {_key(i)} at {i['opened_minute']} without a signal")
    for one, other in combinations(incidents, 2):
        if _key(one) == _key(other) and _overlap(
            one, other["opened_minute"], other["resolved_minute"] or last, last
        ):
            found.append(f"two incidents of {_key(one)} at {other['opened_minute']}")
    return found


def _episodes(
    fired: Mapping[tuple[str, str], Sequence[datetime]], last: datetime
) -> list[tuple[tuple[str, str], datetime, datetime]]:
    """Key, first and last minute of each incident of the oracle's life cycle."""
    cycle = LifeCycle(RESOLVE_AFTER_MINUTES)
    opened: dict[tuple[str, str], datetime] = {}
    episodes = []
    minutes = sorted({m for several in fired.values() for m in several})
    for minute in _every(minutes[0], last) if minutes else []:
        seen = len(cycle.history)
        cycle.step(minute, {key: "medium" for key, several in fired.items() if minute in several})
        for at, what, key, _ in cycle.history[seen:]:
            if what == "opened":
                opened[key] = at
            elif what == "resolved":
                episodes.append((key, opened.pop(key), at))
    return episodes + [(key, start, last) for key, start in opened.items()]


def _every(first: datetime, last: datetime) -> list[datetime]:
    return [first + n * MINUTE for n in range((last - first) // MINUTE + 1)]


def _key(incident: Mapping[str, Any]) -> tuple[str, str]:
    return incident["rule"], incident["entity_id"]


def _overlap(incident: Mapping[str, Any], start: datetime, end: datetime, last: datetime) -> bool:
    return bool(incident["opened_minute"] <= end and start < (incident["resolved_minute"] or last + MINUTE))


def _outbox(connection: psycopg.Connection) -> list[str]:
    """One message for each thing that happened to an incident, and nothing else."""
    rows = _all(
        connection,
        """
        SELECT i.incident_id, i.times, o.opened, o.reopened, o.resolved, o.corrected,
               i.resolved_minute IS NOT NULL AS is_resolved, i.corrected_minute IS NOT NULL AS is_corrected
        FROM incident AS i
        LEFT JOIN (
            SELECT incident_id, count(*) FILTER (WHERE event = 'opened') AS opened,
                   count(*) FILTER (WHERE event = 'reopened') AS reopened,
                   count(*) FILTER (WHERE event = 'resolved') AS resolved,
                   count(*) FILTER (WHERE event = 'corrected') AS corrected
            FROM outbox GROUP BY 1
        ) AS o USING (incident_id)
        """,
    )
    wrong = [
        r
        for r in rows
        if (r["opened"], r["reopened"]) != (1, r["times"] - 1)
        or r["resolved"] != r["reopened"] + r["is_resolved"]
        or r["corrected"] < r["is_corrected"]  # a mark is taken back when the rule is breached after all
    ]
    return [f"outbox of incident {r['incident_id']}: {r}" for r in wrong]


def _apart(name: str, one: pl.DataFrame, other_name: str, other: pl.DataFrame) -> list[str]:
    if one.equals(other.select(one.columns)):
        return []
    missing = one.join(other, on=one.columns, how="anti", nulls_equal=True)
    extra = other.join(one, on=one.columns, how="anti", nulls_equal=True)
    rows = f"for example {missing.head(2).to_dicts()} against {extra.head(2).to_dicts()}"
    return [f"{name} and {other_name} differ: {missing.height} against {extra.height} rows, {rows}"]


def _frame(rows: Sequence[tuple[Any, ...]], schema: pl.Schema) -> pl.DataFrame:
    return pl.DataFrame(rows, schema, orient="row")


def _all(connection: psycopg.Connection, query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query.encode())
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, map(_utc, row), strict=True)) for row in cursor.fetchall()]


def _utc(value: Any) -> Any:  # noqa: ANN401 - a column of any type
    return value.astimezone(UTC) if isinstance(value, datetime) else value
