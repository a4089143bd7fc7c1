"""Events to signals, and to what the pack writes of each of them. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.judge.seconds import TELLS, Write
from pipeline.judge.verdicts import verdicts_of
from pipeline.packs.transfers.judging import judge_events
from pipeline.packs.transfers.schema import EVENT
from pipeline.packs.transfers.signals import RULES, signals_of
from pipeline.schema import conform

if TYPE_CHECKING:
    from baselines.transfers.rules import Rules
    from pipeline.judge.verdicts import Verdicts
    from pipeline.minute import Span
    from pipeline.packs.transfers.judging import Answers
    from pipeline.packs.transfers.windows import EventWindows

#: What is stored of an event: NEW is to be written, of CHANGED its status, STORED is there as it is. UNKNOWN:
#: a closed minute does not ask.
NEW, CHANGED, STORED, UNKNOWN = "new", "changed", "stored", "unknown"
#: An event with its answer; `decision` is null where it is not judged now.
JUDGED: Final = pl.Schema(
    {
        **EVENT,
        "decision": pl.String(),
        "score": pl.Int64(),
        "why": pl.String(),
        "hits": pl.String(),  # JSON array, null: none
        TELLS: pl.Boolean(),  # is there anything to tell of it?
        "late": pl.Boolean(),  # it came after later ones
        "kept": pl.String(),  # one of the words above
        "because": pl.String(),  # the event that made an earlier answer wrong
    }
)
#: Columns of it that say nothing of the answer.
BESIDE: Final = ("late", "kept", "because")
_HIT: Final = ("rule", "version", "severity", "score", "action", "mode", "explanation", "say_ko", "say_en")
_ANSWER: Final = (
    "transfer_id",
    "occurred_at",
    "account_id",
    "status",
    "decision",
    "score",
    "why",
    "late",
    "hits",
    "because",
)
_TIMES: Final = tuple(name for name, dtype in EVENT.items() if dtype.is_temporal())


def judge(windows: EventWindows, rules: Rules, *_: object) -> Verdicts:
    """The signals of the newest minute: an account is told of whatever the policy is."""
    events = windows.closed[-1][1] if windows.closed else EVENT.to_frame()
    answers = judge_events(windows.recent, events, windows.timeline, windows.zone)
    found = signals_of(answers, events, rules.evidence.most_events)
    verdicts = verdicts_of(found, windows.entities, [rule.name for rule in RULES])
    return replace(verdicts, judged=judged_of(answers, events))


def judged_of(answers: Answers, events: pl.DataFrame) -> pl.DataFrame:
    """JUDGED of events (rows of EVENT) and the answers to them, as a closed minute writes them."""
    log = answers.log.select("transfer_id", "decision", "score", "why")
    joined = events.join(log, on="transfer_id", how="left", maintain_order="left")
    joined = joined.join(_hits(answers.hits), on="transfer_id", how="left", maintain_order="left")
    tells = (pl.col("decision") != "allow") | pl.col("hits").is_not_null()
    return conform(
        joined.with_columns(
            tells.fill_null(value=False).alias(TELLS),
            late=pl.lit(value=False),
            kept=pl.lit(UNKNOWN),
            because=pl.lit(None, pl.String),
        ),
        JUDGED,
    )


def _hits(hits: pl.DataFrame) -> pl.DataFrame:
    """The hits of each event as one text."""
    found: dict[str, list[dict[str, Any]]] = {}
    for hit in hits.sort("transfer_id", "rule", "version").iter_rows(named=True):
        found.setdefault(hit["transfer_id"], []).append({name: hit[name] for name in _HIT})
    texts = [json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in found.values()]
    return pl.DataFrame(
        {"transfer_id": list(found), "hits": texts}, {"transfer_id": pl.String, "hits": pl.String}
    )


def writes(judged: pl.DataFrame, span: Span | None) -> list[Write]:
    """Judged rows as the pack's tables take them; with a span they are all that tell anything of it."""
    made = []
    new = judged.filter(pl.col("kept").is_in([NEW, UNKNOWN]))
    changed = judged.filter(pl.col("kept").is_in([CHANGED, UNKNOWN]))
    if not new.is_empty():
        made.append(Write("intake_new", rows=_events(new), parameter="events"))
    if not changed.is_empty():
        given = {"origin": "source", "forward": False}
        made.append(Write("intake_known", given, _events(changed), parameter="events"))
    answers = judged.filter(pl.col("decision").is_not_null())
    if not answers.is_empty():
        made.append(Write("answers", rows=answers.select(_ANSWER)))
    if span is not None:
        told = judged.filter(TELLS)["transfer_id"].to_list()
        made.append(Write("settle_span", {"start": span.start, "end": span.end, "told": told}))
    return made


def _events(judged: pl.DataFrame) -> pl.DataFrame:
    times = (pl.col(name).dt.epoch("ms") for name in _TIMES)
    return judged.select(EVENT.names()).with_columns(*times).with_row_index("place")
