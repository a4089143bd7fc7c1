"""Learns a score from what became of payments, and measures it on a time that it never saw.

The past of each payment is asked as the rules ask it: only what had happened by then. An outcome is known
some days after its payment, so the trees see no payment of the days before the last third begins, and are
not measured on the newest days, of which nobody can have heard yet.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from sqlalchemy import text

from baselines.transfers.measure import LONGEST_MS
from baselines.transfers.recent import Recent
from pipeline.errors import UsageError
from pipeline.minute import EPOCH, MINUTE, Span
from pipeline.packs.transfers.judging import decisions
from pipeline.packs.transfers.learned.features import MEASURES, NAMES, matrix_of
from pipeline.packs.transfers.learned.forest import read_forest
from pipeline.packs.transfers.learned.measured import FEWEST_FRAUDS, Seen, compare, steps, verdict
from pipeline.packs.transfers.learned.model import content_sha256
from pipeline.packs.transfers.ruleset import PAUSED, RuleSet, timeline_of
from pipeline.packs.transfers.schema import EVENT
from pipeline.schema import UTC_TIME
from pipeline.source.pieces import pieces_of_files
from queries import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.store.lake import Lake
    from pipeline.store.manifest import LakeFile
    from pipeline.store.state import State

#: Outcomes of so many of 100 frauds are waited for where nobody says how many days.
_WAITED_PERCENT: Final = 95
_DAY: Final = timedelta(days=1)
_PRIORITY: Final = 10  # added to the process's own, of 19
_OUTCOMES: Final = pl.Schema({"transfer_id": pl.String(), "fraud": pl.Boolean(), "reported_at": UTC_TIME})
#: Small trees, one thread, nothing left to chance: the same past gives the same text.
_OPTIONS: Final = {
    "objective": "binary",
    "num_leaves": 15,
    "max_depth": 5,
    "learning_rate": 0.1,
    "min_data_in_leaf": 20,
    "feature_fraction": 0.8,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
_TREES: Final = 80


@dataclass(frozen=True, slots=True)
class Past:
    """What another process needs to read the past."""

    lake: Lake
    files: Sequence[LakeFile]
    held: Span  # with what the measures reach back for
    looked_at: Span
    spans: Sequence[Mapping[str, Any]]  # of the rules in force now, for events of any time
    entries: Sequence[Mapping[str, Any]]  # of the lists, as they were
    outcomes: pl.DataFrame
    label_delay: timedelta | None  # None: as long as outcomes took so far


@dataclass(slots=True)
class Examples:
    """Payments with what was known of them then; arrays of one length."""

    at: list[pl.Series] = field(default_factory=list)
    features: list[Any] = field(default_factory=list)
    alerted: list[pl.Series] = field(default_factory=list)
    names: list[pl.DataFrame] = field(default_factory=list)

    def add(self, recent: Recent, events: pl.DataFrame, ruleset: RuleSet, zone: ZoneInfo) -> None:
        """Ask for some events all that is held of their past."""
        valued, log = decisions(recent, events, ruleset, zone)
        missing = [m for m in MEASURES.values() if m.column not in valued.columns]
        asked = recent.ask(events, missing).hstack(valued) if missing else valued
        self.at.append(events["occurred_at"])
        self.features.append(matrix_of(asked))
        self.alerted.append(log["decision"] != "allow")
        self.names.append(events.select("transfer_id", "account_id"))


def learn(
    state: State, lake: Lake, days: int, label_delay: timedelta | None, now: datetime
) -> dict[str, Any]:
    """Trees and how good they are: `model`, `features`, `sha256`, `measured`. Raises UsageError."""
    past = _past(state, lake, days, label_delay, now)
    frauds = int(past.outcomes["fraud"].sum())
    if frauds < FEWEST_FRAUDS:
        msg = f"only {frauds} frauds are labelled; {FEWEST_FRAUDS} are needed"
        raise UsageError(msg, "report what became of payments: `minuterisk event-rules outcome`")
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=os.nice, initargs=(_PRIORITY,)
    ) as pool:
        return pool.submit(learn_from, past).result()


def learn_from(past: Past) -> dict[str, Any]:
    """The same in the process that does the work."""
    return learn_by(_examples(past), past.outcomes, past.looked_at, past.label_delay)


def learn_by(
    examples: Examples, outcomes: pl.DataFrame, looked_at: Span, label_delay: timedelta | None
) -> dict[str, Any]:
    """The same, of payments of that span. Raises UsageError where too few frauds are left on either side."""
    at = pl.concat(examples.at)
    named = pl.concat(examples.names).with_columns(at.alias("at"))
    labelled = named.join(outcomes, on="transfer_id", how="left", maintain_order="left")
    fraud = labelled["fraud"].fill_null(value=False).to_numpy()
    delay = _usual_delay(labelled) if label_delay is None else label_delay
    split = looked_at.start + (looked_at.end - looked_at.start) * 2 / 3
    features = np.concatenate(examples.features)
    trained = (at < split - delay).to_numpy()
    tested = ((at >= split) & (at < looked_at.end - delay)).to_numpy()
    _require_frauds(fraud[trained], fraud[tested], delay)
    model = _train(features[trained], fraud[trained])
    shown = np.flatnonzero(tested)[np.argsort(at.to_numpy()[tested], kind="stable")]  # by their times
    account = labelled["account_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    seen = Seen(
        read_forest(model, NAMES).scores(features[shown]),
        features[shown][:, NAMES.index("amount")],
        pl.concat(examples.alerted).to_numpy()[shown],
        fraud[shown],
        account[shown],
    )
    test = compare(seen)
    cuts = {"cuts": steps(seen.score, test["alerts"]), "amount_cuts": steps(seen.amount, test["alerts"])}
    given = {"names": list(NAMES), **cuts}
    measured = {
        "from": looked_at.start.isoformat(),
        "split": split.isoformat(),
        "to": looked_at.end.isoformat(),
        "label_delay_days": round(delay / _DAY, 2),
        "known_frauds": int(fraud.sum()),
        "trained_on": {"events": int(trained.sum()), "frauds": int(fraud[trained].sum())},
        "test": test,
    }
    measured["why_off"] = verdict(measured)
    return {
        "model": model,
        "features": given,
        "sha256": content_sha256(model, given),
        "measured": measured,
    }


def keep(state: State, version: int, learnt: Mapping[str, Any]) -> None:
    """Keep what was learned beside the version that was begun for it."""
    given = {name: json.dumps(learnt[name], sort_keys=True) for name in ("features", "measured")}
    with state.changing() as connection:
        connection.execute(
            text(sql("transfers/ops/store_learned")),
            {"version": version, "model": learnt["model"], "sha256": learnt["sha256"], **given},
        )


def forget(state: State, version: int) -> None:
    """Drop a version for which nothing was learned."""
    with state.changing() as connection:
        connection.execute(text(sql("transfers/ops/drop_unlearned")), {"version": version})


def _past(state: State, lake: Lake, days: int, label_delay: timedelta | None, now: datetime) -> Past:
    published = state.published()
    if published.first_minute is None or published.last_minute is None:
        msg = "nothing is published yet"
        raise UsageError(msg, "run `minuterisk run` until there is a past to learn from")
    end = published.last_minute + MINUTE
    start = max(end - timedelta(days=days), published.first_minute)
    held = Span(max(start - timedelta(milliseconds=LONGEST_MS), published.first_minute), end)
    spans = [
        {**row, "from_at": EPOCH, "until_at": None}
        for row in _rows(state, "rules_in_force", since=now)
        if row["mode"] != PAUSED and row["from_at"] <= now
    ]
    entries = _rows(state, "lists_in_force", since=held.start)
    outcomes = pl.DataFrame(_rows(state, "outcomes_known"), _OUTCOMES, orient="row")
    files = state.publication().files
    return Past(lake, files, held, Span(start, end), spans, entries, outcomes, label_delay)


def _examples(past: Past) -> Examples:
    line = timeline_of(past.spans, past.entries)
    recent = Recent((*line.measures(past.held.start), *MEASURES.values()))
    examples, dataset = Examples(), past.lake.pack.dataset
    for piece in pieces_of_files(past.files, dataset, past.held, past.lake.zone):
        events = past.lake.read(past.files, dataset, piece).select(EVENT.names())
        recent.fill(events)
        inside = events.filter(pl.col("occurred_at") >= past.looked_at.start)
        for ruleset, part in line.parts(inside):
            examples.add(recent, part, ruleset, past.lake.zone)
        recent.expire(piece.end)
    return examples


def _usual_delay(labelled: pl.DataFrame) -> timedelta:
    """So long it took until most frauds were known."""
    frauds = labelled.filter(pl.col("fraud"))
    waited = (frauds["reported_at"] - frauds["at"]).dt.total_seconds()
    return timedelta(seconds=max(float(waited.quantile(_WAITED_PERCENT / 100) or 0), 0))


def _require_frauds(trained: Any, tested: Any, delay: timedelta) -> None:  # noqa: ANN401 - arrays
    if trained.any() and not trained.all() and tested.any():
        return
    found = f"{int(trained.sum())} frauds are left to learn from and {int(tested.sum())} to measure by"
    msg = f"with {delay / _DAY:.1f} days until outcomes are known, {found}"
    raise UsageError(msg, "look at more --days, or say by --label-delay how soon outcomes are known")


def _train(features: Any, fraud: Any) -> str:  # noqa: ANN401 - arrays
    try:
        import lightgbm  # noqa: PLC0415 - an extra: nothing else needs it
    except ImportError as error:
        msg = "LightGBM is not installed"
        raise UsageError(msg, "pip install 'minuterisk[learn]'") from error
    data = lightgbm.Dataset(features, fraud, feature_name=list(NAMES))
    model: str = lightgbm.train(_OPTIONS, data, num_boost_round=_TREES).model_to_string()
    return model.partition("\nend of trees")[0] + "\nend of trees\n"


def _rows(state: State, query: str, **given: object) -> list[dict[str, Any]]:
    with state.changing() as connection:
        answer = connection.execute(text(sql(f"transfers/ops/{query}")), given)
        return [dict(row) for row in answer.mappings()]
