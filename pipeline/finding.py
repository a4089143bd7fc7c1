"""What a check found: one sentence, how bad it is, and the next step. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pipeline.errors import DifferencesFound, MinuteriskError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Level = Literal["ok", "note", "warning", "failure"]

#: From the best to the worst. Notes are worth knowing; only failures fail a check.
LEVELS: Final[tuple[Level, ...]] = ("ok", "note", "warning", "failure")

_WIDTH: Final = 80
_COLUMN: Final = 14


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found out."""

    check: str  # what was looked at, one word
    level: Level
    what: str
    next: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 1  # of a failure: as in pipeline/errors/__init__.py

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "check": self.check,
            "level": self.level,
            "what": self.what,
            "next": self.next,
            "numbers": dict(self.numbers),
        }


def failed(check: str, error: MinuteriskError, level: Level = "failure") -> Finding:
    """A check that met an error of ours."""
    return Finding(check, level, error.what, error.hint, exit_code=error.exit_code)


def worst_level(findings: Sequence[Finding]) -> Level:
    """The worst of them; "ok" of none."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="ok")


def as_error(findings: Sequence[Finding]) -> MinuteriskError | None:
    """What a check ends with: wrong use before a failure before differences in the data; None without any."""
    failures = [finding for finding in findings if finding.level == "failure"]
    kinds: tuple[tuple[int, type[MinuteriskError]], ...] = (
        (UsageError.exit_code, UsageError),
        (MinuteriskError.exit_code, MinuteriskError),
        (DifferencesFound.exit_code, DifferencesFound),
    )
    for exit_code, kind in kinds:
        for found in failures:
            if found.exit_code == exit_code:
                return kind(f"{found.check}: {found.what}", found.next)
    return None


def short(findings: Sequence[Finding]) -> str:
    """One line about a check: "ok", or its warnings and failures, with the next steps."""
    bad = [f for f in findings if f.level in ("warning", "failure")]
    if not bad:
        return "ok"
    return "; ".join(f"{f.what}\n  next: {f.next}" if f.next else f.what for f in bad)


def as_text(findings: Sequence[Finding]) -> str:
    """All findings in their order, 80 columns wide; a check's name stands before its first one."""
    lines: list[str] = []
    before = ""
    for found in findings:
        name = "" if found.check == before else found.check
        before = found.check
        lines += _wrapped(name, f"{found.level}: {found.what}" if found.what else found.level)
        if found.next and found.level != "ok":
            lines += _wrapped("", f"next: {found.next}")
    return "\n".join(lines)


def _wrapped(name: str, text: str) -> list[str]:
    indent = " " * _COLUMN
    parts = textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=f"{name:<{_COLUMN}}",
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return parts or [name]
