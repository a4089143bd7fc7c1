"""Versions of tuned numbers in time, a text with one number changed, the file beside what people decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from baselines.edit import completed, numbers_of, with_number, without_number
from baselines.merchants.rules import load_rules, parse_rules
from baselines.versions import Pause, Version, Versions
from pipeline.errors import SettingsError
from pipeline.minute import EPOCH, MINUTE, Span
from pipeline.packs.merchants import PACK
from pipeline.store.database import connect_state
from pipeline.store.rules import RulesFile, RulesReader, read_rules_file
from pipeline.store.state import MinuteCommit, State

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SHIPPED = Path(__file__).resolve().parents[2] / "baselines" / "merchants" / "rules.toml"
TEXT = SHIPPED.read_text(encoding="utf-8")


def at(minutes: int) -> datetime:
    return NOON + minutes * MINUTE


def test_a_minute_has_the_last_version_that_began_by_then_and_the_first_one_holds_before() -> None:
    versions = Versions([Version(NOON, "a", 1), Version(at(5), "b", 2), Version(at(5), "c", 3)])
    found = [versions.at(at(n)).number for n in (-9, 0, 4, 5, 99)]
    assert found == [1, 1, 1, 3, 3]
    assert [version.number for version in versions.within(at(1), at(5))] == [1]
    assert [version.number for version in versions.within(at(1))] == [1, 2, 3]


def test_a_rule_is_paused_from_its_first_minute_up_to_its_end() -> None:
    versions = Versions([Version(EPOCH, "a")], [Pause("surge", at(1), at(3))])
    assert [sorted(versions.paused(at(n))) for n in range(4)] == [[], ["surge"], ["surge"], []]


def test_a_span_is_cut_where_the_windows_become_others_and_nowhere_else() -> None:
    versions = Versions([Version(EPOCH, 7), Version(at(2), 7), Version(at(4), 8), Version(at(4), 9)])
    whole = Span(NOON, at(10))
    assert versions.stretches(whole, lambda days: days) == [Span(NOON, at(4)), Span(at(4), at(10))]
    assert versions.stretches(Span(at(4), at(10)), lambda days: days) == [Span(at(4), at(10))]


def test_a_changed_number_leaves_every_other_line_as_it_was() -> None:
    changed = with_number(TEXT, ("cancel_surge", "minimum_cancels_hour"), 9)
    lines = [pair for pair in zip(TEXT.splitlines(), changed.splitlines(), strict=True) if pair[0] != pair[1]]
    assert lines == [("minimum_cancels_hour = 5", "minimum_cancels_hour = 9")]
    assert parse_rules(changed, "x").cancel_surge.minimum_cancels_hour == 9


@pytest.mark.parametrize("name", ["M12", "한 가게", 'a "b" \\ ] # =', "\x7f", "cancel_surge"])
def test_own_numbers_come_and_go_whatever_a_merchant_is_called(name: str) -> None:
    path = ("own", "merchant", name, "cancel_surge", "factor")
    once = with_number(TEXT, path, 3)
    twice = with_number(once, ("own", "merchant", name, "budget", "drift_percent"), 80)
    rules = parse_rules(twice, "x").of(name, None)
    assert (rules.cancel_surge.factor, rules.budget.drift_percent) == (3, 80)
    assert parse_rules(twice, "x").of("another", None) == load_rules(SHIPPED)
    assert without_number(once, path) == TEXT


def test_a_merchant_s_own_number_stands_before_that_of_its_category_and_both_before_everybody_s() -> None:
    text = with_number(TEXT, ("own", "category", "air", "cancel_surge", "factor"), 3)
    text = with_number(text, ("own", "category", "air", "cancel_surge", "minimum_cancels_hour"), 30)
    rules = parse_rules(with_number(text, ("own", "merchant", "M1", "cancel_surge", "factor"), 4), "x")
    found = [rules.of(*who).cancel_surge for who in ((None, None), ("M2", "air"), ("M1", "air"))]
    assert [(one.factor, one.minimum_cancels_hour) for one in found] == [(2, 5), (3, 30), (4, 30)]


@pytest.mark.parametrize(
    ("own", "said", "hint"),
    [
        ("[own.merchant.M1.cancel_surge]\nfactor = 0", "factor", "from 1 to 100"),
        ("[own.merchant.M1.volume_drop]\nbaseline_days = 9", "baseline_days", "known are"),
        ("[own.merchant.M1.incident]\nresolve_after_minutes = 9", "incident", "known are"),
        ("[own.shop.M1.cancel_surge]\nfactor = 3", "shop", "known are"),
        ("[own.merchant]\nM1 = 3", "M1", "write [own."),
    ],
)
def test_own_numbers_that_cannot_be_meant_are_refused_with_their_place(
    own: str, said: str, hint: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_rules(f"{TEXT}\n{own}\n", "mine")
    assert said in caught.value.what
    assert "mine" in caught.value.what
    assert hint in caught.value.hint


def test_more_sets_of_own_numbers_than_a_minute_has_time_for_are_refused() -> None:
    own = "".join(f"[own.merchant.M{n}.cancel_surge]\nfactor = {n}\n" for n in range(1, 22))
    with pytest.raises(SettingsError) as caught:
        parse_rules(f"{TEXT}\n{own}", "mine")
    assert "21 of them different" in caught.value.what
    assert len(parse_rules(f"{TEXT}\n{own.partition('[own.merchant.M21')[0]}", "mine").own) == 20


def test_a_text_of_an_earlier_program_gets_what_it_lacks_and_loses_what_nobody_knows() -> None:
    own = ("own", "merchant", "M1", "cancel_surge", "factor")
    mine = with_number(with_number(TEXT, ("cancel_surge", "factor"), 4), own, 9)
    old = without_number(mine, ("budget", "looks")).replace("[severity]", "[severity]\nsurge_low = 2")
    with pytest.raises(SettingsError):
        parse_rules(old, "old")
    text, paths = completed(old, TEXT)
    assert paths == [("severity", "surge_low"), ("budget", "looks")]
    assert numbers_of(text) == numbers_of(mine)


@pytest.fixture
def state(state_url: str) -> Iterator[State]:
    with State(connect_state(state_url), state_url, "merchants", "KRW") as state:
        state.lead()
        yield state


def reader(state: State, text: str) -> RulesReader:
    """A process that starts with this file."""
    found = RulesReader(state, PACK, RulesFile("rules.toml", text, parse_rules(text, "rules.toml")))
    found.keep_file()
    return found


def judged(state: State, minute: datetime) -> None:
    row = {
        **dict.fromkeys(("rows", "quarantined", "source_rows", "source_xmin"), 0),
        "minute": minute.isoformat(),
        "source_clock": minute.isoformat(),
        "policy": "supported",
        "sums": {},
        "source_sums": {},
        "rules_version": 1,
    }
    state.commit(MinuteCommit([row], [], minute + MINUTE))


def test_the_file_is_the_first_version_and_another_one_judges_only_what_was_never_judged(
    state: State,
) -> None:
    assert reader(state, TEXT).read().at(NOON).number == 1
    assert len(reader(state, f"{TEXT}# a remark\n").read().versions) == 1  # it says nothing new
    judged(state, NOON)
    changed = with_number(TEXT, ("cancel_surge", "factor"), 3)
    versions = reader(state, changed).read()
    assert [(v.number, v.start, v.tuned.cancel_surge.factor) for v in versions.versions] == [
        (1, EPOCH, 2),
        (2, at(1), 3),
    ]
    assert len(reader(state, changed).read().versions) == 2


def test_what_people_let_be_in_force_stands_before_the_file(state: State) -> None:
    reader(state, TEXT)
    with state.engine.begin() as connection:
        connection.exec_driver_sql(
            """
            INSERT INTO rule_version (
                pack, version, parent, instead_of, origin, numbers, reason, status, author, submitted_by,
                submitted_at, approved_by, decided_at, backtest, in_force_from
            )
            VALUES (
                'merchants', 2, 1, 1, 'people', %s, 'r', 'approved', 'a', 'a', now(), 'b', now(), '{}', %s
            )
            """,
            (without_number(with_number(TEXT, ("cancel_surge", "factor"), 4), ("budget", "looks")), at(1)),
        )
    versions = reader(state, with_number(TEXT, ("cancel_surge", "factor"), 9)).read()
    assert [version.number for version in versions.versions] == [1, 2]
    # A later program asks for a number that it did not have: the file's stands in.
    shipped = load_rules(SHIPPED)
    expected = replace(shipped, cancel_surge=replace(shipped.cancel_surge, factor=4))
    assert versions.tuned(at(1)) == expected


def test_a_file_that_cannot_be_read_is_refused_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the rules"):
        read_rules_file(PACK, tmp_path / "none.toml")
