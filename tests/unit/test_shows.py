"""What a pack puts on for `demo` and `simulate`: whose options are whose, and what is shown side by side."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from pipeline.cli import cli
from pipeline.commands import SHOWS
from pipeline.commands.demo import _Demo, demo
from pipeline.commands.shows import Asked, own_options, show_of
from pipeline.commands.simulate import simulate
from pipeline.errors import UsageError
from pipeline.packs import PACKS

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 30, 2, 10, 7, tzinfo=UTC)
OWN = {"merchants": 1_000, "users": 100, "late": 0.1}


def test_shows_are_those_of_packs_and_a_pack_without_one_is_refused() -> None:
    assert set(SHOWS) <= set(PACKS)
    with pytest.raises(UsageError, match="the pack doors has no stand-in"):
        show_of("doors")


@pytest.mark.parametrize("pack", SHOWS)
def test_a_show_begins_its_history_before_now_and_says_what_it_is(pack: str) -> None:
    show = show_of(pack)
    asked = Asked(NOW, ZoneInfo("Asia/Seoul"), show.history_days, 1, own=OWN)
    assert NOW - timedelta(days=show.history_days + 1) <= show.begin(asked) <= NOW
    assert "1,234" in show.said(1_234, show.traffic(asked))


def test_both_commands_have_the_options_of_every_pack_once() -> None:
    own = {option.name for option in own_options()}
    assert own == {"merchants", "users", "late"}
    for command in (demo, simulate):
        names = [option.name for option in command.params]
        assert len(names) == len(set(names))
        assert own <= set(names)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["simulate", "--pack", "merchants", "--users", "5"], "--users is an option of the pack transfers"),
        (
            ["simulate", "--pack", "transfers", "--merchants", "5"],
            "--merchants is an option of the pack merch",
        ),
        (["demo", "--packs", "merchants", "--late", "0"], "--late is an option of the pack transfers"),
        (["demo", "--packs", "doors"], "--packs doors is refused"),
        (["demo", "--packs", "merchants,merchants"], "--packs merchants,merchants is refused"),
    ],
)
def test_what_belongs_to_another_pack_or_to_none_is_refused(arguments: list[str], said: str) -> None:
    found = CliRunner().invoke(cli, arguments)
    assert isinstance(found.exception, UsageError)
    assert said in str(found.exception)


def test_the_companies_of_a_demo_end_before_source_and_ledger_are_compared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order: list[str] = []

    @contextmanager
    def living() -> Iterator[None]:
        yield
        order.append("the company ends")

    pipeline = SimpleNamespace(pack=SimpleNamespace(name="doors"))
    service: Any = SimpleNamespace(
        pipeline=pipeline,
        correct_rest=lambda: order.append("late rows are corrected"),
        deliver_rest=lambda: order.append("the rest is told"),
    )
    for name in ("_prepare", "_publish_history", "_relive"):
        monkeypatch.setattr(_Demo, name, lambda *_: None)
    monkeypatch.setattr(_Demo, "_open_services", lambda *_: [service])
    room = "pipeline.commands.demo"
    monkeypatch.setattr(f"{room}.open_pipeline", lambda _: nullcontext(pipeline))
    monkeypatch.setattr(f"{room}._run", lambda _: order.append("the jobs end"))
    monkeypatch.setattr(f"{room}._summary", lambda _: {"compared": len(order)})
    part: Any = SimpleNamespace(living=living, settings=None)
    assert _Demo(part, [part], NOW).play(1, dashboard=False) == {"doors": {"compared": 4}}
    assert order == ["the jobs end", "the company ends", "late rows are corrected", "the rest is told"]
