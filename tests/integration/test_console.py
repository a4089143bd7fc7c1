"""The console as a channel: what it prints, and that nothing is lost when it is gone."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from pipeline.packs.merchants import PACK as MERCHANTS
from pipeline.tell import outbox
from pipeline.tell.channels import Console
from pipeline.tell.deliver import LIMITS, deliver_one
from tests.integration.delivery import MARK, PACK, SEOUL, World, add_incident, make_standin, make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine


@pytest.fixture
def world(state_engine: Engine) -> Iterator[World]:
    with make_standin() as standin:
        yield make_world(state_engine, standin)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_console_prints_each_message_with_a_header_on_a_terminal(world: World) -> None:
    for stream in (io.StringIO(), Terminal()):
        add_incident(world.engine, f"M{type(stream).__name__}<&>", ("opened", "resolved"))
        console = Console("ko", SEOUL, stream)
        while deliver_one(world.engine, MERCHANTS, console, world.pace):
            pass
        lines = stream.getvalue().splitlines()
        assert len(lines) == (4 if stream.isatty() else 2)
        assert ("\x1b[1;33m🟠" in lines[0]) == stream.isatty()
        assert f"`M{type(stream).__name__}<&>`" in stream.getvalue()
    assert world.statuses() == {"sent": 4}
    assert world.standin.requests == {}


def test_the_console_prints_a_storm_as_a_digest_and_marks_a_repeat(world: World) -> None:
    for number in range(30):
        add_incident(world.engine, f"M{number}")
    stream = io.StringIO()
    now = world.clock.now()
    outbox.claim(
        world.engine, PACK, now, lease=LIMITS.lease, margin=LIMITS.margin, storm=20
    )  # then it is killed
    world.clock.sleep(60)
    delivered = deliver_one(world.engine, MERCHANTS, Console("ko", SEOUL, stream), world.pace)
    assert delivered is not None
    assert (delivered.outcome, delivered.repeat) == ("digest", True)
    assert stream.getvalue().startswith(f"[{MARK}] ")
    assert len(stream.getvalue().splitlines()) == 11


def test_a_closed_console_loses_nothing(world: World) -> None:
    add_incident(world.engine, "M1")
    stream = io.StringIO()
    stream.close()
    delivered = deliver_one(world.engine, MERCHANTS, Console("ko", SEOUL, stream), world.pace)
    assert delivered is not None
    assert delivered.outcome == "retry"
