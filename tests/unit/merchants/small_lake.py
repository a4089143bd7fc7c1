"""A small lake of everything that analysts may ask of, as files and as plain rows."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipeline.minute import MINUTE, Span, split_by_day
from pipeline.packs.merchants import PACK
from pipeline.schema import conform
from pipeline.store.lake import Lake
from pipeline.store.manifest import Publication
from pipeline.store.views.tables import FOLDER, Part, index_of, index_text, table_schemas

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SEOUL = ZoneInfo("Asia/Seoul")
DAYS = [date(2026, 3, 2) + timedelta(days=n) for n in range(10)]
START = datetime(2026, 3, 1, 15, tzinfo=UTC)  # midnight of the first day in Seoul
END = START + timedelta(days=9, hours=13)  # the last day has not ended
MERCHANTS = [f"M{n:02}" for n in range(12)]
Rows = list[dict[str, Any]]


def day_of(moment: datetime) -> date:
    return moment.astimezone(SEOUL).date()


@dataclass(frozen=True)
class World:
    """Rows by view, as plain Python."""

    rows: Mapping[str, Rows]
    catalog: Path

    def __getitem__(self, name: str) -> Rows:
        return list(self.rows[name])

    def ask(self, question: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.catalog), read_only=True) as analyst:
            analyst.execute("SET TimeZone = 'UTC'")
            found: pl.DataFrame = analyst.sql(question, params=dict(values or {})).pl()
            return found.rows()

    @property
    def named(self) -> dict[str, tuple[str | None, str | None]]:
        """Name and category by merchant."""
        return {row["merchant_id"]: (row["merchant_name"], row["category"]) for row in self["merchant"]}

    @property
    def days(self) -> Rows:
        """What each merchant did on each business day."""
        found: dict[tuple[date, str], dict[str, Any]] = {}
        for row in self["merchant_minute"]:
            key = (day_of(row["minute"]), row["merchant_id"])
            sums = found.setdefault(key, dict.fromkeys(SUMS, 0))
            for name in SUMS:
                sums[name] += row[name]
        return [{"business_date": day, "merchant_id": m, **sums} for (day, m), sums in sorted(found.items())]


SUMS = ("approval_count", "cancel_count", "approval_amount", "cancel_amount")


def made(seed: int = 5) -> dict[str, Rows]:
    """Rows of every view, not too regular: quiet days, a burst, unknown amounts, payouts that are wrong."""
    pick = random.Random(seed)
    found: dict[str, Rows] = {"merchant_minute": [], "cancel_cohort": [], "settlement": [], "signal": []}
    for number, merchant in enumerate(MERCHANTS):
        for _ in range(pick.randint(30, 120)):
            minute = START + MINUTE * pick.randrange(int((END - START) / MINUTE))
            if merchant == "M03" and day_of(minute) < DAYS[8]:
                continue  # a burst after silence
            _sell(found, pick, merchant, minute, 10 ** (3 + number % 3))
    unique = {(r["minute"], r["merchant_id"]): r for r in found["merchant_minute"]}
    found["merchant_minute"] = [unique[key] for key in sorted(unique)]
    kept = {(r["minute"], r["merchant_id"], r["approval_date"]): r for r in found["cancel_cohort"]}
    whole = {key: row["cancel_count"] for key, row in unique.items()}
    found["cancel_cohort"] = [r for k, r in sorted(kept.items()) if whole[k[:2]] >= r["cancel_count"]]
    for merchant in MERCHANTS[:9]:
        for day in DAYS[:7]:
            _pay(found, pick, merchant, day)
    found["settlement"].sort(key=lambda row: (row["minute"], row["merchant_id"]))
    return found | _books(pick) | _operations(pick)


def _sell(found: dict[str, Rows], pick: random.Random, merchant: str, minute: datetime, amount: int) -> None:
    approvals, cancels = pick.randint(0, 40), pick.choice([0, 0, 0, 1, 5])
    if not approvals + cancels:
        return
    sums = {"approval_amount": approvals * amount, "cancel_amount": cancels * amount}
    fresh = {"cancel_fresh_count": cancels, "cancel_older_count": 0}
    row = {"minute": minute, "merchant_id": merchant, "approval_count": approvals, "cancel_count": cancels}
    found["merchant_minute"].append({**row, **sums, **fresh})
    if cancels:
        known = pick.randint(1, cancels)
        cohort = {"approval_date": max(DAYS[0], day_of(minute) - timedelta(days=pick.randint(0, 4)))}
        counted = {"cancel_count": known, "cancel_amount": known * amount}
        found["cancel_cohort"].append({"minute": minute, "merchant_id": merchant, **cohort, **counted})
    if pick.random() < 0.1:
        numbers = dict.fromkeys(PACK.datasets["signal"])
        said = {"rule": "cancel_surge", "tier": "tail", "kind": pick.choice(["rule", "fast"])}
        passed = {"passed": cancels > 3, "reason": "fires" if cancels > 3 else "few_cancels"}
        found["signal"].append({**numbers, **said, **passed, "minute": minute, "entity_id": merchant})


def _pay(found: dict[str, Rows], pick: random.Random, merchant: str, day: date) -> None:
    paid = datetime(day.year, day.month, day.day, 1, tzinfo=UTC) + timedelta(days=pick.choice([1, 1, 2, 3]))
    if paid >= END:
        return
    row = {"minute": paid, "merchant_id": merchant, "business_date": day, "settled_at": paid, "wrong": None}
    found["settlement"].append({**row, "amount": pick.choice([-500, 0, 7_000, 120_000])})
    if pick.random() < 0.1:
        found["settlement"].append({**row, "amount": 3, "wrong": "twice"})


def _books(pick: random.Random) -> dict[str, Rows]:
    book: Rows = []
    for day in DAYS:
        minute = min(START + timedelta(days=(day - DAYS[0]).days + 1), END) - MINUTE
        for merchant in MERCHANTS[:10]:
            known = merchant != "M09"
            money = {
                n: pick.randint(0, 10**6) if known else None for n in ("paid_out_cancelable", "unrecovered")
            }
            pending = pick.randint(0, 10**6) if known else None
            loss = pick.randint(0, 10**4) if known and merchant != "M08" else None
            interval = {
                "expected_loss_low": None if loss is None else loss // 2,
                "expected_loss_high": None if loss is None else loss * 2,
            }
            payday = {"next_payout": None if pending is None else pending // 2, "settled_through": None}
            when = day + timedelta(days=pick.randint(1, 2)) if known else None
            state = pick.choice(["healthy", "surge"])
            row = {"minute": minute, "merchant_id": merchant, "state": state, **money, **interval, **payday}
            book.append(row | {"pending_payout": pending, "next_payout_date": when, "expected_loss": loss})
    usual = [
        {
            "minute": END - MINUTE,
            "merchant_id": merchant,
            "tier": pick.choice(["top", "tail"]),
            "hour_approval_count": pick.randint(0, 50),
            "hour_cancel_count": pick.randint(0, 15),
            "week_approval_count": pick.choice([0, 400, 900, 2_000]),
            "week_cancel_count": pick.randint(0, 30),
            "today_approval_amount": pick.randint(0, 10**7),
            "recent_day_count": 7,
            "recent_approval_amount": pick.randint(10**7, 10**9),
            "recent_paced_amount": pick.randint(0, 10**8),
        }
        for merchant in MERCHANTS
    ]
    names = [
        {
            "merchant_id": merchant,
            "merchant_name": None if number % 5 == 4 else f"가게 {number}",
            "category": None if number % 4 == 3 else f"업종 {number % 3}",
        }
        for number, merchant in enumerate(MERCHANTS)
    ]
    return {"exposure": book, "baseline_now": usual, "merchant": names}


def _operations(pick: random.Random) -> dict[str, Rows]:
    """Tables of the operational database, as they are published."""
    tables: dict[str, Rows] = {name: [] for name in ("incident", "message", "action", "minute_ledger")}
    for number in range(1, 25):
        opened = START + MINUTE * pick.randrange(12_000)
        merchant = pick.choice([*MERCHANTS[:6], "*"])
        rule = "platform_cancels" if merchant == "*" else pick.choice(["cancel_surge", "volume_drop"])
        incident = {"incident_id": number, "rule": rule, "merchant_id": merchant, "opened_minute": opened}
        said = {"tier": pick.choice(["top", "tail"]), "status": pick.choice(["open", "resolved"])}
        label = {"label": pick.choice([None, None, "true_alarm", "false_alarm"])}
        money = {"at_risk": pick.choice([None, 5, 70]), "merchant_name": None}
        tables["incident"].append(incident | said | label | money)
        for place in ("default", "second"):
            sent = None if pick.random() < 0.2 else opened + MINUTE + timedelta(seconds=pick.randint(1, 20))
            message = {"message_id": len(tables["message"]), "incident_id": number, "event": "opened"}
            tables["message"].append(message | {"destination": place, "minute": opened, "sent_at": sent})
        kind = {"kind": pick.choice(["hold_payout", "call"]), "status": pick.choice(["proposed", "told"])}
        action = {"action_id": number, "incident_id": number, "by_person": pick.random() < 0.3}
        tables["action"].append(action | kind | {"amount": money["at_risk"], "proposed_at": opened})
    for number in range(0, int((END - START) / MINUTE), 97):
        minute = START + MINUTE * number
        counts = {"row_count": 10, "quarantined_count": number % 2, "source_row_count": 10 + number % 2}
        judged = {"revision": number % 3, "judged_at": minute if number > 5_000 else None}
        tables["minute_ledger"].append({"minute": minute, **counts, **judged})
    return tables


def build(folder: Path, rows: Mapping[str, Rows]) -> World:
    """Write them as the pipeline does, a file a business day, and the analysts' file over them."""
    lake = Lake(PACK, folder / "lake", folder / "manifest.json", folder / "analyst.duckdb", SEOUL)
    files = []
    for dataset, schema in PACK.datasets.items():
        frame = conform(pl.DataFrame(rows.get(dataset, []), schema), schema)
        for span in split_by_day(Span(START, END), SEOUL):
            inside = (pl.col("minute") >= span.start) & (pl.col("minute") < span.end)
            files.append(lake.write(dataset, frame.filter(inside), span))
    parts = []
    for table, schema in table_schemas(PACK).items():
        frame = pl.DataFrame([{**dict.fromkeys(schema), **row} for row in rows.get(table, [])], schema)
        path = lake.own / FOLDER / f"{table}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path)
        parts.append(Part(table, "", "", path.relative_to(lake.folder).as_posix(), frame.height, 1, "-"))
    index_of(lake.folder, PACK.name).write_text(index_text(parts))
    lake.project_catalog(Publication(1, END, [file for file in files if file], END))
    return World(rows, folder / "analyst.duckdb")
