"""The process of one question: walls up, DuckDB over the published files, its settings locked, one answer.

It is started by process.py with no environment and two pipes, is told what is published, and then the
question. It knows no setting, no password and no database of ours.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import UsageError
from pipeline.store.views.walls import frames
from pipeline.store.views.walls.kernel import MissingFile, raise_walls
from pipeline.store.views.walls.reading import require_reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import duckdb

#: Rows in one piece of an answer.
BATCH: Final = 65_536
#: What Arrow, the threads' stacks and the parser take beside DuckDB's own buffers, bytes.
BESIDE: Final = 768 << 20
#: Of the question, added to the process's own, of 19: it shares the machine with the minutes.
_PRIORITY: Final = 10
#: Before the libraries are loaded: no thread of theirs may stand before the walls do.
_ONE_THREAD: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
#: In this order: the last one locks the others.
_LOCKS: Final = (
    "allow_community_extensions = false",
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "allow_persistent_secrets = false",
    "temp_directory = ''",
    "python_enable_replacements = false",
    "enable_external_access = false",
    "lock_configuration = true",
)
#: Kinds of values that nothing outside of DuckDB holds as they are (an interval has no one length), and those
#: of which Arrow makes many bytes of few: a word said once for all rows, rows of nothing.
_AS_TEXT: Final = {"interval", "union", "variant", "bignum", "bit", "time with time zone", "enum", "null"}
_HINT: Final = "SHOW ALL TABLES lists the views, DESCRIBE view their columns"
_LESS: Final = "ask for less at once, or let somebody raise MINUTERISK_SQL_MEMORY"


def main() -> None:
    """Answer one question over the pipes that are standard input and output."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no answer
    _, told = frames.receive(_read)
    opening = json.loads(told)
    try:
        walls, connection = _open(opening)
    except MissingFile as error:
        return _fail(
            out, f"the published file {error} is gone", "ask again: a newer list has replaced its own"
        )
    except Exception as error:  # noqa: BLE001 - it is said to whoever asked, who decides
        return _fail(out, f"cannot open what is published: {_first_line(error)}", "see `minuterisk check`")
    frames.send(out, frames.READY, json.dumps(walls).encode())
    try:
        _, told = frames.receive(_read)
    except frames.Ended:
        return None  # nobody asked
    return _answer(out, connection, json.loads(told))


def _read(count: int) -> bytes:
    return os.read(0, count)


def _open(opening: Mapping[str, Any]) -> tuple[dict[str, str | None], duckdb.DuckDBPyConnection]:
    os.environ.update(_ONE_THREAD)
    import duckdb  # noqa: PLC0415 - after what its libraries read of the environment
    import pyarrow.ipc  # noqa: F401, PLC0415

    os.environ.clear()
    os.chdir("/")
    # With one thread it starts none; it looks for its machine's limits now, which it may not later.
    connection = duckdb.connect(
        config={
            "memory_limit": f"{opening['memory_mb']}MiB",
            "threads": 1,
            "async_threads": 0,
            "home_directory": "/",
        }
    )
    memory, threads = opening["memory_mb"] << 20, opening["threads"]
    os.nice(_PRIORITY)  # while it is one thread: those of the question inherit it
    walls = raise_walls(opening["files"], memory + BESIDE, opening["seconds"], threads)
    connection.execute(f"SET threads = {int(threads)}")
    connection.execute("SET TimeZone = 'UTC'")
    for statement in opening["statements"]:
        connection.execute(statement)
    lock(connection, opening["files"])
    return walls, connection


def lock(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    """Let the connection read these files and nothing else, for good."""
    connection.execute("SET allowed_paths = $paths", {"paths": files})
    for setting in _LOCKS:
        connection.execute(f"SET {setting}")


def _answer(out: int, connection: duckdb.DuckDBPyConnection, asked: Mapping[str, Any]) -> None:
    """Send the whole answer and its end, or what is wrong. Whoever stops reading is answered no further."""
    import duckdb  # noqa: PLC0415 - it is loaded; only this process needs the name

    found = None
    try:
        require_reading(connection, asked["question"])
        values = {name: READ[kind](value) for name, (kind, value) in asked["values"].items()}
        found = connection.sql(asked["question"], params=values or None)
        _give(out, found and _readable(found), as_text=asked["as_text"])
        frames.send(out, frames.DONE, b"")
    except UsageError as error:
        _fail(out, error.what, error.hint, kind=frames.REFUSED)
    except (duckdb.OutOfMemoryException, MemoryError):
        _fail(out, "the question needs more memory than one may have", _LESS, kind=frames.REFUSED)
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - whatever DuckDB says about the question
        begun = found is not None
        what = "the question failed" if begun else "cannot answer"
        kind = frames.FAILED if begun else frames.REFUSED
        _fail(out, f"{what}: {_first_line(error)}", _HINT, kind=kind)


def _give(out: int, found: duckdb.DuckDBPyRelation | None, *, as_text: bool) -> None:
    import pyarrow as pa  # noqa: PLC0415 - the same

    if found is None:
        return
    if as_text:
        frames.send(out, frames.TEXT, str(found).encode())
        return
    reader = found.to_arrow_reader(BATCH)
    with pa.ipc.new_stream(pa.PythonFile(_Pieces(out), "w"), reader.schema) as stream:
        for batch in reader:
            stream.write_batch(batch)


class _Pieces:
    """A file whose writes are pieces of the answer."""

    closed = False

    def __init__(self, out: int) -> None:
        self._out = out

    def write(self, content: Any) -> int:  # noqa: ANN401 - bytes, or a buffer of Arrow
        data = bytes(content)
        frames.send(self._out, frames.ROWS, data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""


def _readable(found: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The same rows: names that differ, though a join has two of one; as text what nothing else holds."""
    names = apart(found.columns)
    kinds = [(str(kind), _held(kind)) for kind in found.types]
    if names == found.columns and all(kind == held for kind, held in kinds):
        return found
    shown = [
        (f"#{at}" if kind == held else f"CAST(#{at} AS {held})") + f" AS {_quoted(name)}"
        for at, (name, (kind, held)) in enumerate(zip(names, kinds, strict=True), 1)
    ]
    return found.project(", ".join(shown))


def apart(names: Sequence[str]) -> list[str]:
    """Names of columns, a second `a` as `a_1`; one that was written so keeps its name."""
    made: list[str] = []
    taken = set(names)
    for name in names:
        free, count = name, 0
        while free in made or (count and free in taken):
            count += 1
            free = f"{name}_{count}"
        made.append(free)
    return made


def _held(kind: Any) -> str:  # noqa: ANN401 - a type of DuckDB
    """The type in which a column leaves DuckDB."""
    if kind.id in _AS_TEXT:
        return "VARCHAR"
    if kind.id not in ("list", "array", "struct", "map", "tuple"):
        return str(kind)
    children = kind.children[:1] if kind.id == "array" else kind.children  # the other one is its size
    parts = [(name, _held(part)) for name, part in children]
    if all(held == str(part) for (_, held), (_, part) in zip(parts, children, strict=True)):
        return str(kind)
    if kind.id == "list":
        return f"{parts[0][1]}[]"
    if kind.id == "struct":
        return f"STRUCT({', '.join(f'{_quoted(name)} {held}' for name, held in parts)})"
    return "VARCHAR"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


#: How a parameter's value comes out of JSON, by its type (`TYPES` of questions.py).
READ: Final[dict[str, Callable[[Any], Any]]] = {
    "integer": int,
    "number": Decimal,
    "text": str,
    "date": date.fromisoformat,
    "time": _moment,
    "texts": list,
    "nothing": lambda _: None,
}


def _fail(out: int, what: str, hint: str, kind: bytes = frames.FAILED) -> None:
    frames.send(out, kind, json.dumps({"what": what, "hint": hint}).encode())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
