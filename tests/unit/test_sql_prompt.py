"""The prompt of `minuterisk sql`, on a terminal of its own; the shell around it; where a question ends."""

from __future__ import annotations

import os
import pty
import select
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.commands.ask import shell as shell_module
from pipeline.commands.ask.prompt import Prompt, history_file
from pipeline.commands.ask.shell import Shell
from pipeline.commands.ask.texts import is_ended, questions_of
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TYPED = """
import os, sys
os.open(os.ttyname(0), os.O_RDWR)  # the first terminal of a session is its own: Ctrl-C comes by it
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from pipeline.commands.ask.prompt import Prompt
for asked in Prompt(["door_minute", "door_day", "opened_count"], [".help", ".quit"], Path(sys.argv[2])):
    print(f"<{asked!r}>", flush=True)
print("left", flush=True)
"""


class Terminal:
    """A program on a terminal, with somebody who types."""

    def __init__(self, history: Path) -> None:
        self._descriptor, other = pty.openpty()
        self._program = subprocess.Popen(
            [sys.executable, "-c", TYPED, str(ROOT), str(history)],
            stdin=other,
            stdout=other,
            stderr=other,
            start_new_session=True,
            env={**os.environ, "TERM": "dumb"},
        )
        os.close(other)
        self.seen = ""

    def type(self, text: str, until: str) -> str:
        """What stands there after `text` was typed, up to `until`."""
        start = len(self.seen)
        os.write(self._descriptor, text.encode())
        assert self._stands(until, start, 60), self.seen
        return self.seen[start:]

    def interrupt(self, until: str) -> None:
        """Ctrl-C, and again where nothing answers, as anybody would press it.

        Python prints the prompt and then waits for a key: a signal between the two ends no wait.
        """
        start = len(self.seen)
        for _ in range(6):
            os.write(self._descriptor, b"\x03")
            if self._stands(until, start, 10):
                return
        raise AssertionError(self.seen)

    def _stands(self, until: str, start: int, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while until not in self.seen[start:] and time.monotonic() < end:
            if select.select([self._descriptor], [], [], 1)[0]:
                try:
                    self.seen += os.read(self._descriptor, 4096).decode()
                except OSError:  # the program has ended
                    break
        return until in self.seen[start:]

    def close(self) -> None:
        os.close(self._descriptor)
        self._program.kill()
        self._program.wait()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    found = Terminal(tmp_path / "state" / "history")
    yield found
    found.close()


def test_on_a_terminal_lines_are_completed_kept_and_forgotten_after_ctrl_c(
    terminal: Terminal, tmp_path: Path
) -> None:
    # Whoever types waits for the prompt: before it stands, the terminal still reads Ctrl-D as its own.
    terminal.type("", "sql> ")
    terminal.type("FROM door_m\t\n", "...> ")
    assert "<'FROM door_minute\\n  LIMIT 1'>" in terminal.type("  LIMIT 1;\n", "\r\nsql> ")
    terminal.type("SELECT nothing\n", "...> ")
    terminal.interrupt("sql> ")
    assert "<'.help'>" in terminal.type(".he\t\n", "\r\nsql> ")
    assert "<'SELECT 2'>" in terminal.type("SELECT 2;\n", "\r\nsql> ")
    assert "<'SELECT 2'>" in terminal.type("\x1b[A\n", "\r\nsql> ")  # the line before, by the arrow
    terminal.type("\x04", "left")
    kept = tmp_path / "state" / "history"
    assert "SELECT 2;" in kept.read_text(encoding="utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_names_are_completed_whatever_their_case(tmp_path: Path) -> None:
    prompt = Prompt(["door_minute", "Door_day"], [".help", ".quit"], tmp_path / "history")
    assert prompt.matches("DOOR") == ["Door_day", "door_minute"]
    assert prompt.matches(".q") == [".quit"]
    assert "SELECT" in prompt.matches("sel")
    assert prompt.matches("nothing") == []


def test_the_history_stands_where_the_user_keeps_such_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert history_file() == tmp_path / "minuterisk" / "sql_history"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert history_file() == Path.home() / ".local" / "state" / "minuterisk" / "sql_history"


def test_the_shell_goes_on_after_what_a_question_meets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        ("SELECT 1", "wrong"),
        *((word, "") for word in (".list", ".show who", ".format csv", ".ask who k=v 'x=a b'", ".ask")),
        *(
            (word, "")
            for word in (".format parquet", ".nothing", ".show 'open", "SELECT 3", ".quit", "SELECT 4")
        ),
    ]
    asked: list[tuple[object, ...]] = []

    def answer(text: str, form: str) -> None:
        asked.append((text, form))
        if text == "SELECT 1":
            msg = "refused: it"
            raise UsageError(msg, "another")
        if text == "SELECT 3":
            raise KeyboardInterrupt

    def named(name: str, given: list[str], form: str) -> None:
        asked.append((name, *given, form))

    def told(name: str | None) -> str:
        return f"told {name}"

    monkeypatch.setattr(shell_module, "names_of", lambda _: ["door_minute"])
    monkeypatch.setattr(shell_module, "Prompt", lambda *_: iter(line for line, _ in lines))
    Shell(answer, named, told, "table").run(None, [])  # type: ignore[arg-type] # names_of alone asks it
    assert asked == [("SELECT 1", "table"), ("who", "k=v", "x=a b", "csv"), ("SELECT 3", "csv")]
    said = capsys.readouterr()
    assert (said.out.count("told None"), said.out.count("told who"), said.out.count(".ask NAME")) == (1, 1, 3)
    assert "refused: it" in said.err
    assert "close the quote" in said.err
    assert "was ended" in said.err


def test_a_semicolon_ends_a_question_unless_it_stands_in_something() -> None:
    text = "SELECT 'a;b', $$c;d$$ AS \"e;f\"; -- g;h\n/* i;j */ SELECT 2; -- nothing"
    assert [part.strip()[:8] for part in questions_of(text)] == ["SELECT '", "-- g;h\n/"]
    assert is_ended("SELECT 1;")
    assert not is_ended("SELECT 'a;")
