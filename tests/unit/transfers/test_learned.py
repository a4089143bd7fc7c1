"""The learned score: it is LightGBM's, its text is data, and it is off until it is better."""

from __future__ import annotations

import asyncio
import gc
import json
from datetime import timedelta
from functools import cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import lightgbm
import numpy as np
import polars as pl
import pytest

from pipeline.errors import UsageError
from pipeline.online.transfers.check.asked import WARMING
from pipeline.online.transfers.check.state import Known
from pipeline.packs.transfers.judging import HITS, judge_events, judge_one
from pipeline.packs.transfers.learned import LEARNED_SCORE, Learned, read_learned
from pipeline.packs.transfers.learned.features import MEASURES, NAMES, WORDS, matrix_of, row_of
from pipeline.packs.transfers.learned.forest import Forest, read_forest
from pipeline.packs.transfers.learned.measured import Seen, compare, steps, verdict
from pipeline.packs.transfers.ruleset import RuleSet, Timeline, timeline_of
from pipeline.packs.transfers.tree_text import tree_text
from tests.unit.transfers.made_events import NOON, Told, event, events, shipped

SEOUL = ZoneInfo("Asia/Seoul")
ROWS = 3_000


@cache
def trained() -> tuple[str, Any, Any]:
    """A model of random numbers, many unknown, as text; what it looked at; what LightGBM says of it."""
    chance = np.random.default_rng(3)
    features = chance.integers(0, 1_000_000, (ROWS, len(NAMES))).astype(float)
    features[chance.random(features.shape) < 0.2] = np.nan
    features[:, 3:5] = chance.integers(0, 2, (ROWS, 2))  # where unknown is never met
    large = np.nan_to_num(features[:, 0]) + 0.5 * np.nan_to_num(features[:, 7], nan=900_000)
    fraud = large + chance.normal(0, 200_000, ROWS) > 1_100_000
    options = {
        "objective": "binary",
        "verbosity": -1,
        "num_leaves": 15,
        "deterministic": True,
        "num_threads": 1,
    }
    data = lightgbm.Dataset(features, fraud, feature_name=list(NAMES))
    booster = lightgbm.train(options, data, num_boost_round=40)
    return booster.model_to_string(), features, booster.predict(features, raw_score=True)


def learned(version: int = 3) -> Learned:
    text, features, raw = trained()
    given = {"names": list(NAMES), "cuts": steps(raw, 100), "amount_cuts": steps(features[:, 0], 100)}
    return read_learned(version, text, given)


def test_trees_score_as_lightgbm_does_in_bulk_and_alone() -> None:
    text, features, raw = trained()
    forest = read_forest(text, NAMES)
    strange = features.copy()
    strange[:, 3:5] = np.nan  # unknown where training never met it
    border = features.copy()  # each value is one at which some tree parts its ways
    for tree in forest.trees:
        for split in range(tree.splits):
            border[split::7, tree.feature[split]] = tree.threshold[split]
    for asked in (features, strange, border):
        scores = forest.scores(asked)
        assert [forest.score(row) for row in asked.tolist()] == scores.tolist(), "to the last bit"
    assert np.abs(forest.scores(features) - raw).max() < 1e-12
    booster = lightgbm.Booster(model_str=text)
    for asked in (strange, border):
        assert np.abs(forest.scores(asked) - booster.predict(asked, raw_score=True)).max() < 1e-12


def test_contributions_are_all_that_moved_the_score() -> None:
    total = dict.fromkeys(NAMES, 0.0)
    text, features, _ = trained()
    forest = read_forest(text, NAMES)
    start = sum(tree.value[0] for tree in forest.trees)
    for row in features[:200].tolist():
        moved = forest.contributions(row, NAMES)
        assert abs(start + sum(moved.values()) - forest.score(row)) < 1e-9
        for name, much in moved.items():
            total[name] += abs(much)
    assert set(sorted(total, key=lambda name: -total[name])[:2]) == {"amount", NAMES[7]}


def without(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version=v4", "version=v9"),
        ("objective=binary sigmoid:1", "objective=lambdarank"),
        ("feature_names=amount", "feature_names=password"),
        ("num_leaves=15", "num_leaves=99999999"),
        ("num_leaves=15", "num_leaves=x"),
        ("num_cat=0", "num_cat=1"),
        ("is_linear=0", "is_linear=1"),
        ("leaf_value=", "leaf_value=nan "),
        ("leaf_value=", "leaf_value=inf\nx="),
        ("split_feature=", "split_feature=99 "),
        ("decision_type=", "decision_type=1\nx="),
        ("left_child=1 ", "left_child=0 "),
        ("right_child=", "right_child=-99\nx="),
        ("\nTree=", "\nWood="),
    ],
)
def test_a_text_that_is_no_such_model_is_refused(old: str, new: str) -> None:
    with pytest.raises(UsageError, match="learn"):
        read_forest(
            without(trained()[0], old, new) if old != "\nTree=" else trained()[0].replace(old, new), NAMES
        )


@pytest.mark.parametrize("text", ["", "tree", "\x80\x04cpickle", "tree\nversion=v4\n" * 1000])
def test_anything_else_is_refused_too(text: str) -> None:
    with pytest.raises(UsageError):
        read_forest(text, NAMES)


def test_a_model_of_other_features_or_steps_is_refused() -> None:
    text, *_ = trained()
    good = {"names": list(NAMES), "cuts": [0.0] * 30, "amount_cuts": [1.0] * 30}
    read_learned(1, text, good)
    for wrong in ({"names": list(NAMES[1:])}, {"cuts": [0.0] * 31}, {"cuts": [1.0, *[0.0] * 29]}):
        with pytest.raises(UsageError):
            read_learned(1, text, {**good, **wrong})


def valued(seed: int, rows: int = 200) -> pl.DataFrame:
    """Events with any measures, many unknown."""
    chance = Random(seed)
    kinds = [chance.choice(["transfer", "card", "cash"]) for _ in range(rows)]
    frame = events(*(event(n, amount=chance.randint(0, 10**6), kind=kind) for n, kind in enumerate(kinds)))
    columns: dict[str, list[int | None]] = {
        "local_hour": [chance.randint(0, 23) for _ in range(rows)],
        "account_age_days": [None] * rows,
    }
    for measure in MEASURES.values():
        columns[measure.column] = [chance.choice([None, 0, chance.randint(0, 10**6)]) for _ in range(rows)]
    return frame.with_columns(pl.Series(name, values, pl.Int64) for name, values in columns.items())


def test_features_points_and_hits_are_the_same_in_bulk_and_alone() -> None:
    model, frame = learned(), valued(5)
    alone = [row_of(row) for row in frame.iter_rows(named=True)]
    assert np.array_equal(matrix_of(frame), np.array(alone), equal_nan=True)
    points = [model.points_of(row) for row in frame.iter_rows(named=True)]
    assert points == model.points(frame).tolist()
    assert min(points) == 0
    assert 0 < max(points) <= 30
    assert set(WORDS) == set(NAMES)


class Answering(Told):
    """Windows with an answer of its own for each event."""

    def __init__(self, frame: pl.DataFrame) -> None:
        super().__init__()
        self.frame = frame

    def ask(self, asked: pl.DataFrame, measures: Any) -> pl.DataFrame:  # noqa: ANN401 - of the tests
        held = asked.select("transfer_id").join(
            self.frame, on="transfer_id", how="left", maintain_order="left"
        )
        return held.select(m.column for m in measures)

    def ask_one(self, asked: Any, measures: Any, _: Any = ()) -> dict[str, Any]:  # noqa: ANN401 - the same
        found = self.frame.filter(pl.col("transfer_id") == asked["transfer_id"]).row(0, named=True)
        return {m.column: found[m.column] for m in measures}


def test_it_adds_points_with_five_reasons_and_decides_nothing_alone() -> None:
    frame = valued(6, 400)
    recent = Answering(frame)
    plain = frame.select(events().columns)
    ruleset = RuleSet([shipped("HIGH_VALUE")], {}, learned())
    answers = judge_events(recent, plain, Timeline([(NOON, ruleset)]), SEOUL)
    scored = answers.hits.filter(pl.col("rule") == LEARNED_SCORE)
    assert 10 < scored.height < 400
    assert answers.log.filter(pl.col("decision") != "allow").is_empty(), (
        "30 points alone are no reason to look"
    )
    for row in plain.iter_rows(named=True):
        one = judge_one(recent, row, ruleset, SEOUL)
        same = answers.log.row(by_predicate=pl.col("transfer_id") == row["transfer_id"], named=True)
        assert (one.decision, one.score, one.why) == (same["decision"], same["score"], same["why"])
        found = answers.hits.filter(pl.col("transfer_id") == row["transfer_id"])
        assert pl.DataFrame(one.hits, HITS).equals(found)
    explanation = json.loads(scored["explanation"][0])
    assert explanation["measures"]["points"] == scored["score"][0]
    assert len(explanation["when"]["of"]) == 5
    assert tree_text(explanation).count("\n  ") == 6
    assert 0 <= explanation["control"]["amount_points"] <= 30
    assert scored["say_ko"][0].startswith(f"학습된 점수 {scored['score'][0]}점")


def test_the_newest_model_in_force_scores_and_none_before_it() -> None:
    text, *_ = trained()
    given = {"names": list(NAMES), "cuts": [0.0] * 30, "amount_cuts": [1.0] * 30}
    later = NOON + timedelta(hours=1)
    rows = [
        {"version": 1, "model": text, "features": given, "from_at": NOON, "until_at": later},
        {"version": 2, "model": text, "features": given, "from_at": later, "until_at": None},
    ]
    line = timeline_of([], [], rows)
    moments = (NOON - timedelta(seconds=1), NOON, later)
    found = [line.at(moment).learned for moment in moments]
    assert [None if one is None else one.version for one in found] == [None, 1, 2]
    assert set(line.at(NOON).measures) == set(MEASURES.values())
    strange = [{**rows[1], "features": {**given, "names": ["of another program"]}}]
    assert timeline_of([], [], strange).at(later).learned is None, "rules do not wait for it"


def seen(lift: float, rows: int = 20_000) -> Seen:
    """Frauds that the amount tells nothing of; the score tells them as well as `lift` says."""
    chance = np.random.default_rng(11)
    fraud = chance.random(rows) < 0.02
    return Seen(
        score=chance.normal(0, 1, rows) + lift * fraud,
        amount=chance.integers(0, 10**6, rows),
        alerted=chance.random(rows) < 0.01,
        fraud=fraud,
        account=chance.integers(0, 2_000, rows),
    )


def test_it_is_better_only_where_the_intervals_lie_apart() -> None:
    good, useless = compare(seen(3.0)), compare(seen(0.0))
    assert good["better"]
    assert good["learned"]["alerts"] == good["amount"]["alerts"] == good["rules"]["alerts"] == good["alerts"]
    assert good["learned"]["interval"][0] > good["rules"]["interval"][1]
    assert not useless["better"]
    assert useless["beats"] == {"amount": False, "rules": False}
    assert compare(seen(3.0)) == good, "the same again"
    known = {"known_frauds": 200, "test": good}
    assert verdict(known) is None
    assert verdict({**known, "known_frauds": 199}) == "too few frauds are labelled"
    assert (
        verdict({"known_frauds": 500, "test": useless}) == "it beats neither the amount alone nor the rules"
    )


def test_points_begin_at_three_times_the_alerts_and_end_where_they_begin() -> None:
    values = np.arange(10_000.0)
    cuts = steps(values, 100)
    assert cuts == sorted(cuts)
    assert [int((values >= cuts[0]).sum()), int((values >= cuts[-1]).sum())] == [300, 100]
    assert len(steps(values[:5], 100)) == 30


def test_a_forest_of_single_leaves_scores() -> None:
    head = ["tree", "version=v4", "num_class=1", "num_tree_per_iteration=1", "objective=binary sigmoid:1"]
    text = "\n".join([*head, "feature_names=a\n"])
    forest: Forest = read_forest(
        f"{text}\nTree=0\nnum_leaves=1\nnum_cat=0\nleaf_value=-2.5\n\nend of trees\n", ["a"]
    )
    assert forest.scores(np.zeros((2, 1))).tolist() == [-2.5, -2.5]
    assert forest.score([1.0]) == -2.5


def test_a_check_waits_for_what_the_score_asks_and_counts_it() -> None:
    ruleset = RuleSet((), {}, learned())
    known = Known(SEOUL, "en", lambda: 0.0)
    known.in_force(Timeline([(NOON - timedelta(days=1), ruleset)]))
    known.looked("1:1:", 0.0)
    assert known.doubt_at(NOON) == WARMING
    assert known.doubt_at(NOON - timedelta(days=2)) is None, "nothing asked for it then"
    wanted = known.unfilled(NOON)
    assert set(wanted) == set(ruleset.measures)
    filling, _ = known.begin_filling(wanted)
    asyncio.run(known.end_filling(filling, wanted))
    gc.unfreeze()
    assert known.doubt_at(NOON) is None
    frame = valued(6, 100)
    recent: Any = Answering(frame)
    known.recent = recent
    rows = list(frame.select(events().columns).iter_rows(named=True))
    scores = [known.judge(row, ()).score for row in rows]
    assert scores == [judge_one(recent, row, ruleset, SEOUL).score for row in rows]
    assert any(scores)
