"""Answers to signals: which accounts have payments that were blocked, or that people have to look at. Pure.

An account has at most one signal of each kind in a minute; it names the payments with the highest scores and
the event rules that fired at them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from pipeline.figures import clean
from pipeline.judge.verdicts import FIRES, HEAD, RAW, SEVERITIES
from pipeline.pack import Rule
from pipeline.packs.transfers.ruleset import LIVE
from pipeline.packs.transfers.words import WORDS
from pipeline.schema import conform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from baselines.transfers.rules import Rules
    from pipeline.money import AtRisk
    from pipeline.packs.transfers.judging import Answers

SIGNAL: Final = pl.Schema(
    {
        **HEAD,
        "events": pl.Int64(),  # payments of the account in the minute that were decided so
        "score": pl.Int64(),  # the highest of theirs
        "amount": pl.Int64(),  # all of theirs, minor units; null: of several currencies
        "currency": pl.String(),
        "severity": pl.String(),  # the gravest of the event rules that fired
        "evidence": pl.String(),  # JSON: some of the payments, with what fired
    }
)
_NUMBERS: Final = ("events", "score")
BLOCKED: Final = Rule(name="blocked", numbers=_NUMBERS)
TO_REVIEW: Final = Rule(name="to_review", numbers=_NUMBERS)
RULES: Final = (BLOCKED, TO_REVIEW)
#: Which rule a decision that is not to allow belongs to.
OF_DECISION: Final = {"block": BLOCKED.name, "review": TO_REVIEW.name}
_SEVERITY: Final = {BLOCKED.name: "high", TO_REVIEW.name: "medium"}


def signals_of(answers: Answers, events: pl.DataFrame, most_events: int) -> pl.DataFrame:
    """SIGNAL of decided events (rows of EVENT), by minute, account and rule."""
    decided = answers.log.filter(pl.col("decision").is_in(list(OF_DECISION)))
    if decided.is_empty():
        return SIGNAL.to_frame()
    live = answers.hits.filter(mode=LIVE).join(decided.select("transfer_id"), on="transfer_id", how="semi")
    hits: dict[str, list[dict[str, Any]]] = {}
    for hit in live.sort("rule").iter_rows(named=True):
        hits.setdefault(hit["transfer_id"], []).append(hit)
    given = decided.join(events.select("transfer_id", "amount", "currency"), on="transfer_id", how="left")
    keyed = given.with_columns(
        minute=pl.col("occurred_at").dt.truncate("1m"),
        rule=pl.col("decision").replace_strict(OF_DECISION, return_dtype=pl.String),
    ).sort(
        "minute",
        "account_id",
        "rule",
        pl.col("score"),
        "occurred_at",
        "transfer_id",
        descending=[False, False, False, True, False, False],
    )
    rows = [
        _signal(key, part.to_dicts(), hits, most_events)
        for key, part in keyed.group_by("minute", "account_id", "rule", maintain_order=True)
    ]
    return conform(pl.DataFrame(rows, SIGNAL, orient="row"), SIGNAL)


def _signal(
    key: tuple[Any, ...],
    events: Sequence[Mapping[str, Any]],
    hits: Mapping[str, Sequence[Mapping[str, Any]]],
    most_events: int,
) -> dict[str, Any]:
    minute, account, rule = key
    currencies = {event["currency"] for event in events}
    fired = [hit for event in events for hit in hits.get(event["transfer_id"], ())]
    severities = [_SEVERITY[rule], *(hit["severity"] for hit in fired)]
    return {
        "minute": minute,
        "rule": rule,
        "entity_id": account,
        "tier": "tail",
        "passed": True,
        "reason": FIRES,
        "kind": RAW,
        "events": len(events),
        "score": max(event["score"] for event in events),
        "amount": sum(event["amount"] for event in events) if len(currencies) == 1 else None,
        "currency": next(iter(currencies)) if len(currencies) == 1 else None,
        "severity": max(severities, key=SEVERITIES.index),
        "evidence": _evidence(events[:most_events], hits),
    }


def _evidence(events: Sequence[Mapping[str, Any]], hits: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    shown = [
        {
            "transfer_id": event["transfer_id"],
            "occurred_at": event["occurred_at"].isoformat(timespec="milliseconds"),
            "amount": event["amount"],
            "currency": event["currency"],
            "score": event["score"],
            "why": event["why"],
            "hits": [
                {"rule": hit["rule"], "version": hit["version"], "ko": hit["say_ko"], "en": hit["say_en"]}
                for hit in hits.get(event["transfer_id"], ())
            ],
        }
        for event in events
    ]
    return json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def reason_of(row: Mapping[str, Any], held: int) -> dict[str, Any]:
    """What an incident keeps of a signal."""
    del held
    numbers = ("events", "score", "amount", "currency", "severity")
    return {**{name: row[name] for name in numbers}, "evidence": json.loads(row["evidence"])}


def severity_of(rule: str, reason: Mapping[str, Any], money: AtRisk, tuned: Rules) -> str:
    """The gravest of the event rules that fired; of a list alone, that of the decision."""
    del money, tuned
    return str(reason.get("severity") or _SEVERITY[rule])


def say(rule: str, reason: Mapping[str, Any], event: str, language: str) -> str:
    """How many payments and how much, then what the event rules say of the first ones."""
    del event
    words, unknown = WORDS[language], reason.get("amount") is None
    amount = words["mixed"] if unknown else f"{reason['amount']:,} {clean(reason.get('currency') or '')}"
    said = [words[f"{rule}.one"].format(events=reason["events"], amount=amount, score=reason["score"])]
    for shown in reason.get("evidence", ()):
        told = [clean(hit.get(language) or hit["rule"], 200) for hit in shown["hits"]]
        told += [words["denied"]] if shown.get("why") == "denied" else []
        if told:
            said.append(f"`{clean(shown['transfer_id'])}`: {' '.join(told)}")
    return " ".join(said)
