"""What every carrier does, tried with a shard that holds nothing. What Ray alone does: test_cluster.py."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import Fault
from pipeline.settings import CARRIERS
from pipeline.shards.carrier import Message, ShardLost
from pipeline.shards.cluster import RayCarrier
from pipeline.shards.here import Here
from pipeline.shards.processes import Processes
from tests.integration.echo_shard import ECHO, Asking
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.shards.carrier import Carrier

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: Each by its word; `here` is for tests.
MADE: dict[str, Callable[[str], Carrier]] = {
    "here": lambda shard: Here(shard=shard),
    "processes": Processes,
    "ray": lambda shard: RayCarrier(None, shard),
}
#: What is said of a shard that was killed.
WHY = {Processes: "its process has ended with -9", RayCarrier: "ActorDiedError"}
APART = [name for name in MADE if name != "here"]


@pytest.fixture(scope="module", params=list(MADE))
def asking(request: pytest.FixtureRequest) -> Iterator[Asking]:
    """Two shards of each carrier."""
    found = Asking(MADE[request.param](ECHO))
    found.start(0, 1)
    yield found
    found.carrier.close()


#: Of those whose shards are processes of their own.
of_processes = pytest.mark.parametrize("asking", APART, indirect=True)


def test_every_carrier_is_tried_here() -> None:
    assert set(APART) == set(CARRIERS)


def test_a_shard_is_the_class_that_was_named_and_knows_its_number(asking: Asking) -> None:
    for shard in (0, 1):
        assert asking.ask(shard, "where").body[:2] == (shard, "a pack")


def test_parts_go_from_shard_to_shard(asking: Asking) -> None:
    counted = [asking.ask(shard, "count") for shard in (0, 1)]
    taken = asking.ask(1, "take", [counted[0].parts[1], counted[1].parts[1], {"of": b"by hand"}])
    assert taken.body == [(200_000, b"\0\1"), (200_000, b"\1\1"), (7, b"by")]


def test_the_newest_message_is_answered(asking: Asking) -> None:
    asking.carrier.send(0, Message(1, 0, "first"))
    assert asking.ask(0, "second").body == "second"


def test_what_cannot_be_sent_back_is_said_and_the_shard_goes_on(asking: Asking) -> None:
    answer = asking.ask(0, "unspeakable")
    assert isinstance(answer.error, Fault)
    assert "pickle" in answer.error.what
    assert asking.ask(0, "again").body == "again"


def test_one_that_was_ended_is_lost_and_another_takes_its_place(asking: Asking) -> None:
    asking.carrier.kill(0)
    asking.carrier.kill(0)  # is no error
    with pytest.raises(ShardLost, match="shard 0 is lost"):
        asking.ask(0, "anything")
    asking.start(0)
    assert [asking.ask(shard, "again").body for shard in (0, 1)] == ["again", "again"]


@pytest.fixture
def stopped(asking: Asking) -> Iterator[Asking]:
    """Its first shard stands still, with a message before it."""
    process = asking.process(0)
    os.kill(process, signal.SIGSTOP)
    yield asking
    asking.carrier.kill(0)
    wait_until_gone(process)
    asking.start(0)
    assert asking.process(0) != process


@of_processes
def test_a_shard_that_does_not_read_holds_up_nobody(stopped: Asking) -> None:
    began = time.monotonic()
    stopped.carrier.send(0, Message(1, 0, b"x" * 20_000_000))
    assert time.monotonic() - began < PATIENCE_S
    with pytest.raises(ShardLost, match="no answer within 1 s"):
        stopped.carrier.receive(0, 1.0)
    assert stopped.ask(1, "again").body == "again"


@of_processes
def test_a_shard_that_is_killed_is_lost_at_once_and_the_others_are_not(asking: Asking) -> None:
    asking.carrier.send(0, Message(1, 0, 600.0))
    os.kill(asking.process(1), signal.SIGKILL)
    with pytest.raises(ShardLost, match=f"shard 1 is lost: {WHY[type(asking.carrier)]}"):
        asking.ask(1, "anything")
    with pytest.raises(ShardLost, match="shard 1 is lost"):
        asking.ask(1, "anything")
    with pytest.raises(ShardLost, match="shard 0 is lost: no answer within 1 s"):
        asking.carrier.receive(0, 1.0)
    asking.carrier.kill(0)
    asking.start(0, 1)
    assert [asking.ask(shard, "again").body for shard in (0, 1)] == ["again", "again"]


@pytest.mark.parametrize("name", MADE)
def test_a_shard_that_cannot_be_made_says_why(name: str) -> None:
    asking = Asking(MADE[name]("tests.integration.echo_shard:Gone"))
    asking.start(0)
    for _ in range(2):
        answer = asking.ask(0, "anything")
        assert isinstance(answer.error, Fault)
        assert "has no attribute 'Gone'" in answer.error.what
    asking.carrier.close()


@pytest.mark.parametrize("name", APART)
def test_it_leaves_no_process(name: str) -> None:
    asking = Asking(MADE[name](ECHO))
    asking.start(0, 1)
    processes = [asking.process(shard) for shard in (0, 1)]
    asking.carrier.send(1, Message(1, 0, 600.0))
    asking.carrier.close()
    for process in processes:
        wait_until_gone(process)


def wait_until_gone(process: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while (stat := Path(f"/proc/{process}/stat")).exists() and not is_zombie(stat):
        assert time.monotonic() < end
        time.sleep(0.05)


def is_zombie(stat: Path) -> bool:
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:  # it has gone meanwhile
        return True
