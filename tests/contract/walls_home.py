"""A home with a few published minutes, and a script that attacks from inside the process of a question."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import polars as pl

from pipeline.minute import MINUTE, Span
from pipeline.packs.merchants import PACK
from pipeline.settings import load_settings
from pipeline.store.lake import Lake
from pipeline.store.manifest import Publication, manifest_text
from pipeline.store.views.walls import process as process_module

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pipeline.settings import Settings

NOON: Final = datetime(2026, 3, 10, 12, tzinfo=UTC)
THROUGH: Final = NOON + 60 * MINUTE
#: What nobody may read: it stands in a file beside the published ones.
SECRET: Final = "tte-only-for-us"


def published_home(folder: Path) -> Settings:
    """An hour of three merchants, ten approvals and a cancel a minute each; beside it files of nobody."""
    home = folder / "published"
    home.mkdir()
    lake = Lake(PACK, home / "lake", home / "manifest.json", home / "analyst.duckdb", ZoneInfo("Asia/Seoul"))
    numbers = dict.fromkeys(PACK.datasets["merchant_minute"], 0) | {"approval_count": 10, "cancel_count": 1}
    rows = [
        {**numbers, "minute": NOON + n * MINUTE, "merchant_id": shop}
        for n in range(60)
        for shop in ("a", "b", "=c")
    ]
    frame = pl.DataFrame(rows, PACK.datasets["merchant_minute"])
    file = lake.write("merchant_minute", frame, Span(NOON, THROUGH))
    assert file is not None
    text = manifest_text(Publication(1, THROUGH, [file], THROUGH), PACK.datasets)
    (home / "manifest.json").write_text(text, encoding="utf-8")
    (folder / "x.duckdb_extension").write_bytes(b"no extension")
    (folder / "secret.csv").write_text(f"word\n{SECRET}\n", encoding="utf-8")
    pl.DataFrame({"word": [SECRET]}).write_parquet(folder / "secret.parquet")
    return load_settings(
        {
            "MINUTERISK_HOME": str(home),
            "MINUTERISK_SQL_SECONDS": "30",
            "MINUTERISK_SQL_MEMORY": "256",
            "MINUTERISK_LANGUAGE": "en",
        }
    )


def say(monkeypatch: pytest.MonkeyPatch, said: bytes, *, reads: bool = True) -> None:
    """Let the process of a question be one that says this, whatever it is told."""
    script = f"import os; os.write(1, {said!r})"
    # It reads on until it is ended: gone before the question is sent, it would be that which is told.
    script += "\nwhile os.read(0, 1 << 20): pass" if reads else ""
    monkeypatch.setattr(process_module, "_START", script.replace("{", "{{").replace("}", "}}"))


#: Calls of the system that a process which was taken over would like, by number (x86_64) and arguments.
CALLS: Final = {
    "ptrace": (101, (16, "parent", 0, 0)),
    "setuid": (105, (0,)),
    "chroot": (161, (0,)),
    "mount": (165, (0, 0, 0, 0, 0)),
    "init_module": (175, (0, 0, 0)),
    "keyctl": (250, (0, -3, 1)),
    "unshare": (272, (0x10000000,)),
    "perf_event_open": (298, (0, 0, -1, -1, 0)),
    "open_by_handle_at": (304, (0, 0, 0)),
    "setns": (308, (0, 0)),
    "process_vm_readv": (310, ("parent", 0, 0, 0, 0, 0)),
    "memfd_create": (319, (0, 0)),
    "bpf": (321, (0, 0, 0)),
    "userfaultfd": (323, (0,)),
    "io_uring_setup": (425, (1, 0)),
    "pidfd_open": (434, ("parent", 0)),
    "openat2": (437, (0, 0, 0, 0)),
}
#: Runs with the walls of the operating system alone: DuckDB unlocked, and Python free to do what it can.
INSIDE: Final = r"""
import json, os, sys
out = os.dup(1)
os.dup2(2, 1)  # DuckDB draws a bar on a slow machine
root, files, folder, calls = json.loads(sys.argv[1])
sys.path.insert(0, root)
from pipeline.store.views.walls import child, kernel
os.environ.update(child._ONE_THREAD)
import ctypes, mmap, resource, signal, socket, subprocess, duckdb, pyarrow.ipc
os.environ.clear()
parent, published = os.getppid(), files[0]
connection = duckdb.connect(config={"threads": 1, "async_threads": 0, "memory_limit": "32GB",
    "home_directory": folder, "allow_unsigned_extensions": "true"})
walls = kernel.raise_walls(files, 2 << 30, 60, 2)
libc = ctypes.CDLL(None, use_errno=True)

def ask(text):
    return lambda: connection.execute(text.format(folder=folder, published=published)).fetchall()

def call(number, arguments):
    def run():
        given = [ctypes.c_long(parent if one == "parent" else one) for one in arguments]
        if libc.syscall(number, *given) < 0:
            raise OSError(ctypes.get_errno(), "refused")
    return run

def raised():
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

def executable():
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)

ATTACKS = {
    "read a file of the system": lambda: open("/etc/passwd").read(),
    "read a file beside the lake": lambda: open(folder + "/secret.csv").read(),
    "read the settings of who asked": lambda: open(f"/proc/{parent}/environ").read(),
    "read the memory of who asked": lambda: open(f"/proc/{parent}/mem", "rb").read(1),
    "list the lake": lambda: os.listdir(os.path.dirname(published)),
    "list the root": lambda: os.listdir("/"),
    "make a file": lambda: open(folder + "/made", "w"),
    "make a file in /tmp": lambda: open("/tmp/minuterisk_made", "w"),
    "write into a published file": lambda: open(published, "ab"),
    "empty a published file": lambda: os.truncate(published, 0),
    "remove a published file": lambda: os.unlink(published),
    "rename a published file": lambda: os.rename(published, published + ".x"),
    "make a folder": lambda: os.mkdir(folder + "/made"),
    "make a link": lambda: os.symlink("/etc/passwd", folder + "/made"),
    "make a hard link": lambda: os.link(published, folder + "/made"),
    "change rights": lambda: os.chmod(published, 0o777),
    "change the owner": lambda: os.chown(published, 1, 1),
    "a socket of the network": lambda: socket.socket(),
    "a socket of the machine": lambda: socket.socket(socket.AF_UNIX),
    "a pair of sockets": lambda: socket.socketpair(),
    "a raw socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "start a program": lambda: subprocess.run(["/bin/true"]),
    "become a program": lambda: os.execv("/bin/true", ["true"]),
    "fork": lambda: os.fork(),
    "end who asked": lambda: os.kill(parent, signal.SIGTERM),
    "end everybody": lambda: os.kill(-1, signal.SIGTERM),
    "ten gigabytes": lambda: bytearray(10 << 30),
    "more memory by right": raised,
    "new code": executable,
    "another priority": lambda: os.nice(-5),
    **{f"the call {name}": call(*given) for name, given in calls.items()},
    "DuckDB reads a text": ask("FROM read_text('/etc/passwd')"),
    "DuckDB reads a file beside the lake": ask("FROM read_parquet('{folder}/secret.parquet')"),
    "DuckDB writes a file": ask("COPY (SELECT 1) TO '{folder}/made'"),
    "DuckDB overwrites a published file": ask("COPY (SELECT 1) TO '{published}' (FORMAT parquet)"),
    "DuckDB makes a database": ask("ATTACH '{folder}/made.duckdb'"),
    "DuckDB fetches an extension": ask("INSTALL spatial FROM 'http://127.0.0.1:9'"),
    "DuckDB loads a library": ask("LOAD '{folder}/x.duckdb_extension'"),
    "DuckDB takes ten gigabytes": ask("SELECT list(repeat('x', 1000000) || range) FROM range(10000)"),
}

def outcome(attack):
    try:
        return f"done: {attack()!r:.60}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:500]

held = {
    "environment": len(os.environ),
    "walls": walls,
    "files seen": ask("SELECT count(*) FROM glob('/etc/*')")()[0][0],
    "published rows": ask("SELECT count(*) FROM read_parquet('{published}')")()[0][0],
}
connection.execute("SET threads = 2")
held["in threads"] = ask("SELECT count(DISTINCT range % 1000) FROM range(300000)")()[0][0]
told = json.dumps(held | {name: outcome(attack) for name, attack in ATTACKS.items()})
for start in range(0, len(told), 4096):
    os.write(out, told[start : start + 4096].encode())
"""
