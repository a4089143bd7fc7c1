"""Structured logs to standard error: text on a terminal, one JSON object a line elsewhere."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TextIO, cast

import structlog

from pipeline.errors.secrets import clean_value
from pipeline.figures import harmless

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger


class LogSettings(Protocol):
    """Of all settings those that the log needs."""

    @property
    def log_level(self) -> str:
        """The least severe line that is shown."""
        ...

    @property
    def log_format(self) -> str:
        """One of auto, json, text."""
        ...


def configure_log(settings: LogSettings) -> None:
    """Set up structlog and quieten the libraries; called once by an entry point."""
    level = getattr(logging, settings.log_level.upper())
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    renderer = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,  # whose line it is, where packs share a process
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _plain,
            _clean,  # the traceback as well
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _NeverRaises(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    # A tick that finds the one before it still at work is how catching up looks, not a warning.
    logging.getLogger("apscheduler").setLevel(max(level, logging.ERROR))
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr, format="%(name)s %(message)s")


def _plain(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Nothing that came from outside acts on the terminal that shows the log."""
    return {key: harmless(value) if isinstance(value, str) else value for key, value in event.items()}


class _NeverRaises:
    """Standard error that may be closed, full or a broken pipe: a line is lost then, and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


def _clean(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """No secret leaves in a log line, whoever put it there and however deep."""
    return {key: clean_value(value) for key, value in event.items()}
