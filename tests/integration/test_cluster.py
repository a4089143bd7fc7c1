"""Shards on Ray: what reaches them, what is told of those that end, and who may reach Ray."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from pipeline.errors import ConfigurationError
from pipeline.shards import cluster, head
from pipeline.shards.bridge import Reference
from pipeline.shards.carrier import Message, ShardLost
from pipeline.shards.cluster import RayCarrier
from tests.integration.echo_shard import ECHO, Asking
from tests.servers import PATIENCE_S, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

#: The head's servers, the shards and who speaks to them: the kernel's table of open TCP sockets.
LISTENING = "0A"


def over_ray(address: str | None = None) -> Asking:
    return Asking(RayCarrier(address, ECHO))


@pytest.fixture(scope="module")
def asking() -> Iterator[Asking]:
    """Two shards on a head of our own."""
    asking = over_ray()
    asking.start(0, 1)
    yield asking
    asking.carrier.close()


def below(process: int) -> list[int]:
    """All processes that this one has started, and those that they have."""
    parents = {}
    for folder in Path("/proc").iterdir():
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def of_ray() -> list[int]:
    """Processes of a head of this one: its sockets' folder is on their command lines."""
    known = f"minuterisk-ray-{os.getpid()}-"
    processes = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [one for one in processes if known in command(one)]


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)


def listens_on(processes: Sequence[int]) -> set[str]:
    """The addresses on which these processes take connections, as the kernel writes them."""
    sockets = set()
    for process in processes:
        try:
            sockets |= {str(path.readlink()) for path in Path(f"/proc/{process}/fd").iterdir()}
        except OSError:
            continue
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == LISTENING and f"socket:[{words[9]}]" in sockets:
                found.add(words[1].partition(":")[0])
    return found


def test_a_shard_gets_its_threads(asking: Asking) -> None:
    for shard in (0, 1):
        assert asking.ask(shard, "threads").body == "3"


def test_parts_go_from_shard_to_shard_and_only_their_names_pass_by_here(asking: Asking) -> None:
    counted = [asking.ask(shard, "count") for shard in (0, 1)]
    assert counted[0].parts == (Reference(0, 0), Reference(0, 1))
    taken = asking.ask(1, "take", [counted[0].parts[1], counted[1].parts[1], {"of": b"by hand"}])
    assert taken.body == [(200_000, b"\0\1"), (200_000, b"\1\1"), (7, b"by")]


def test_nothing_of_it_listens_on_another_address_than_127_0_0_1(asking: Asking) -> None:
    asking.ask(0, "where")
    found = listens_on([*below(os.getpid()), *of_ray()])
    assert found == {"0100007F", "0000000000000000FFFF00000100007F"}


def test_nobody_else_of_this_machine_gets_at_its_sockets(asking: Asking) -> None:
    asking.ask(0, "where")
    (folder,) = Path(tempfile.gettempdir()).glob(f"minuterisk-ray-{os.getpid()}-*")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_a_lost_shard_had_counted_is_lost_with_it(asking: Asking) -> None:
    counted = asking.ask(0, "count")
    asking.carrier.kill(0)
    asking.start(0)
    asking.carrier.send(1, Message(1, 0, "take", counted.parts))
    with pytest.raises(ShardLost, match=r"shard 0 is lost: what it had counted is gone with it"):
        asking.carrier.receive(1, PATIENCE_S)
    assert asking.ask(1, "again").body == "again"
    with pytest.raises(ShardLost, match="shard 1 is lost: nothing was sent to it"):
        asking.carrier.receive(1, PATIENCE_S)
    asking.start(0, 1)


def test_a_head_that_is_killed_takes_all_shards_with_it_and_another_one_is_started(asking: Asking) -> None:
    head = next(one for one in below(os.getpid()) if "gcs_server" in command(one))
    os.kill(head, signal.SIGKILL)

    def lost() -> bool:
        try:
            return bool(asking.ask(0, "anything").body != "anything")
        except ShardLost:
            return True

    wait_until(lost)
    with pytest.raises(ShardLost):
        asking.ask(1, "anything")
    asking.start(0, 1)
    assert [asking.ask(shard, "again").body for shard in (0, 1)] == ["again", "again"]


def test_a_process_that_speaks_to_ray_and_ends_is_a_lost_shard_and_leaves_nothing(asking: Asking) -> None:
    speaker = next(one for one in below(os.getpid()) if "gcs_server" in command(one))
    speaker = int(Path(f"/proc/{speaker}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(speaker, signal.SIGKILL)
    with pytest.raises(ShardLost, match="the process that speaks to Ray has ended"):
        asking.ask(0, "anything")
    wait_until(lambda: not of_ray())
    with pytest.raises(ShardLost):
        asking.ask(1, "anything")
    asking.carrier.kill(1)
    asking.carrier.close()
    assert list(Path(tempfile.gettempdir()).glob(f"minuterisk-ray-{os.getpid()}-*")) == []


LEADER = """
import os, sys
from pipeline.shards.cluster import RayCarrier
from tests.integration.echo_shard import CONFIG, ECHO
if __name__ == "__main__":
    carrier = RayCarrier(None, ECHO)
    carrier.start(0, CONFIG)
    print("there", flush=True)
    sys.stdin.read()
"""


def test_a_leader_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    program = tmp_path / "leader.py"
    program.write_text(LEADER, "utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(
        [sys.executable, program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as leader:
        assert leader.stdout is not None
        assert leader.stdout.readline() == b"there\n"
        started = below(leader.pid)
        assert any("gcs_server" in command(one) for one in started)
        leader.kill()
    wait_until(lambda: not any("ray" in command(one) for one in started))


# ---------------------------------------------------------------- a cluster of others


@contextmanager
def cluster_of_two(folder: Path, token: str) -> Iterator[tuple[str, int]]:
    """A head that holds no shard and a machine that holds two, as `ray start` makes them; both are here."""
    ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token}
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | ours | {"PYTHONPATH": root, "RAY_USAGE_STATS_ENABLED": "0"}
    host, port = own_address(), free_port()
    ray = [str(Path(sys.executable).with_name("ray")), "start", "--block"]
    head = [*ray, "--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false"]
    head += ["--object-store-memory=100000000", f"--temp-dir={folder}"]
    machine = [*ray, f"--address={host}:{port}", "--num-cpus=2", "--object-store-memory=100000000"]
    running = list[subprocess.Popen[bytes]]()
    try:
        for arguments in (head, machine):
            with (folder / f"{len(running)}.log").open("wb") as log:
                running.append(subprocess.Popen(arguments, env=environment, stdout=log, stderr=log))
            wait_until_taken(host, port)
        yield f"{host}:{port}", running[1].pid
    finally:
        for process in running:
            for one in [process.pid, *below(process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def own_address() -> str:
    """The address that Ray takes for a machine's: a cluster's are not on 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tried:
        try:
            tried.connect(("192.0.2.254", 9))  # nothing is sent
        except OSError:
            return "127.0.0.1"
        return str(tried.getsockname()[0])


def wait_until_taken(host: str, port: int) -> None:
    def taken() -> bool:
        with socket.socket() as tried:
            return tried.connect_ex((host, port)) == 0

    wait_until(taken)


def test_shards_of_a_cluster_are_on_machines_that_have_room_and_nobody_enters_without_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(tempfile.mkdtemp())  # short: Ray's sockets have long names
    token = uuid4().hex
    with cluster_of_two(folder, token) as (address, machine):
        monkeypatch.setenv("RAY_AUTH_TOKEN", uuid4().hex)
        stranger = over_ray(address)
        with pytest.raises(ShardLost, match="Ray: "):
            stranger.start(0)
        monkeypatch.setenv("RAY_AUTH_TOKEN", token)
        asking = over_ray(address)
        asking.start(0, 1)
        assert {asking.process(0), asking.process(1)} <= set(below(machine))
        monkeypatch.setattr(cluster, "LOADED_S", 5.0)
        asking.start(2)  # there is no room for a third one
        with pytest.raises(ShardLost, match="no answer within 5 s"):
            asking.ask(2, "anything")
        assert asking.ask(0, "still there").body == "still there"
        asking.carrier.close()


def test_a_head_that_is_not_there_is_a_lost_shard() -> None:
    with pytest.raises(ShardLost, match=r"no head answers at .* \(Connection refused\)"):
        over_ray(f"127.0.0.1:{free_port()}").start(0)


def test_a_cluster_on_a_public_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def connected(address: tuple[str, int], timeout: float) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(getpeername=lambda: address)

    monkeypatch.setattr(socket, "create_connection", connected)
    for private in ("10.1.2.3:6379", "[fd00::7]:6379", "127.0.0.1:6379"):
        head.reach(private)
    with pytest.raises(ConfigurationError, match="a cluster belongs into a network of its own"):
        head.reach("8.8.8.8:6379")


def test_without_ray_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as error:
        RayCarrier(None)
    assert "minuterisk[cluster]" in error.value.hint
