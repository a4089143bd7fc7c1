"""The one place that knows this process's secrets, and takes them out of every text that leaves it.

`learn...` is called while settings are read, before anything can fail because of them. `clean` is called
wherever a text is made or leaves: our errors when they are built, log lines, warnings, tracebacks, alarms,
and both standard streams of the command line. It replaces what it has learnt in all its spellings, and it
masks by form what looks like a password in an address, also of addresses that nobody told it about.

A secret that could be an ordinary word or number (up to 3 characters, few digits, the name of the user or
database) is masked in addresses only: elsewhere it would blacken prose and figures without hiding anything.
"""

from __future__ import annotations

import html
import json
import logging
import re
import shlex
import sys
import threading
import traceback
import warnings
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType
    from typing import TextIO

MASK: Final = "***"
#: What libpq reads by itself beside an address.
_LIBPQ: Final = ("PGPASSWORD", "PGSSLPASSWORD")
#: Settings whose whole value is a secret, by a part of their name.
_WHOLE: Final = ("TOKEN", "PASSWORD", "SECRET")
#: Settings that are addresses with secrets in every part: a path or a host may be the key.
_ADDRESSES: Final = "APPRISE_"
#: Shorter ones are masked in addresses only; shorter than this they are masked only as a word of their own.
_SHORT: Final = 4
_DISTINCT: Final = 8
#: Words of our own texts; a password of the same name hides nothing when these are blackened.
_OWN_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        "minuterisk postgresql postgres mysql mariadb psycopg password passwd reader trade state source admin"
        " root user test public localhost database query line column table write space host port none null"
        " true false slack token check error next",
    )
)

_IN_URL: Final = re.compile(r"(://[^:/@\s?#]*):(?!//)")
_PORT: Final = re.compile(r"\d*(?=[/?#,\s\"')\]}]|$)")
_NAMED: Final = re.compile(
    r"""((?:\b|_)(?:ssl|ssl_key_)?(?:password|passwd|pwd)=)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^&\s"',;)]+)""",
    re.IGNORECASE,
)
_TOKENS: Final = re.compile(r"\bxox[a-z]-[\w-]{4,}|\bxapp-[\w-]{4,}|(?<=hooks\.slack\.com/services/)[\w/]+")


def dialect(url: str | None) -> str:
    """The dialect that a source's URL asks for, a folder of a pack's extract: postgresql or mysql."""
    return "mysql" if (url or "").partition("://")[0] in ("mysql", "mariadb") else "postgresql"


def mask_url(text: str) -> str:
    """The text with the passwords of addresses masked, wherever in an address they stand."""
    text = _NAMED.sub(rf"\1{MASK}", _TOKENS.sub(MASK, text))
    parts: list[str] = []
    at = 0
    for found in _IN_URL.finditer(text):
        end = _password_end(text, found.end())
        if found.start() >= at and end is not None:
            parts += [text[at : found.end()], MASK]
            at = end
    return "".join([*parts, text[at:]])


def _password_end(text: str, start: int) -> int | None:
    """Where the password that begins at `start` ends: before the last @ that can belong to its address."""
    line = text[start:].partition("\n")[0]
    line = re.split(r"\w://", line, maxsplit=1)[0]  # the next address begins here
    word = re.split(r"\s", line, maxsplit=1)[0]
    if "@" in word:
        return start + word.rindex("@")
    if "@" in line and not _PORT.match(line):  # a password with a space
        return start + line.rindex("@")
    return None


class Secrets:
    """What must never be shown, in all its spellings. One per process: `SECRETS`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: set[tuple[str, bool]] = set()  # the spelling, and whether it is masked inside words too
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: str, harmless: Iterable[str] = ()) -> None:
        """Mask `secret` from now on, unless it is a word that says nothing."""
        for form in {secret, secret.strip(), unquote(secret), unquote_plus(secret)}:
            if _ordinary(form, harmless):
                continue
            self._add(_spellings(form), distinct=len(form) >= _DISTINCT)

    def learn_url(self, url: str) -> None:
        """Mask the passwords of an address, also what a driver shows of a malformed one."""
        rest = url.partition("://")[2] or url
        before, _, after = rest.rpartition("@")
        user, _, password = before.partition(":")
        harmless = {unquote(user), *re.split(r"[:/?,&=]", after)}
        found = [
            password,
            *(value for _, value in re.findall(r"(?i)((?:password|passwd|pwd)=)([^&]*)", rest)),
        ]
        quoted = re.findall(r"(?i)password\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s'&]+))", rest)
        found += [re.sub(r"\\(.)", r"\1", first) or second for first, second in quoted]
        for secret in filter(None, found):
            self.learn(secret, harmless)
            if is_malformed(secret):
                self._learn_pieces(secret, harmless)

    def learn_address(self, url: str) -> None:
        """Mask an address, and whatever in it may be a key: the user, the password, each part of the path."""
        scheme, _, rest = url.partition("://")
        self.learn(rest)
        self.learn_url(url)
        host = re.split(r"[:/?#]", rest.rpartition("@")[2], maxsplit=1)[0]
        for piece in re.split(r"[@/:?#%&=,\s]+", rest):
            if len(piece) >= _DISTINCT:
                self.learn(piece, {host if "." in host or host == "localhost" else "", scheme})

    def _learn_pieces(self, secret: str, harmless: Iterable[str]) -> None:
        """What drivers show of a password that they could not tell from the host, the port or the options."""
        ends = [secret[i + 1 :] for i, letter in enumerate(secret) if letter in "@/:?#% "]
        for piece in {*re.split(r"[@/:?#%&=\s]+", secret), *ends, *re.split(r"\s+", secret)}:
            if not _ordinary(piece, harmless):
                self._add(_spellings(piece), distinct=False)

    def _add(self, spellings: Iterable[str], *, distinct: bool) -> None:
        with self._lock:
            self._known.update((spelling, distinct) for spelling in spellings if spelling)
            self._pattern = None

    def forget(self) -> None:
        """Know nothing any more; for tests."""
        with self._lock:
            self._known, self._pattern = set(), None

    def clean(self, text: str) -> str:
        """The text without any secret."""
        pattern = self._pattern or self._compiled()
        text = pattern.sub(MASK, text) if pattern is not None else text
        return mask_url(text) if "://" in text or "=" in text or "xo" in text or "xapp" in text else text

    def _compiled(self) -> re.Pattern[str] | None:
        with self._lock:
            if not self._known:
                return None
            longest_first = sorted(self._known, key=lambda known: (-len(known[0]), known))
            self._pattern = re.compile("|".join(_expression(text, inside) for text, inside in longest_first))
            return self._pattern


def _ordinary(text: str, harmless: Iterable[str]) -> bool:
    """Could the text be a word or figure of its own right?"""
    few_digits = text.isdigit() and len(text) < 6  # noqa: PLR2004 - a port, a count
    return len(text) < _SHORT or few_digits or text.lower() in _OWN_WORDS or text in set(harmless)


def _expression(text: str, inside: bool) -> str:  # noqa: FBT001 - of a pair
    """Blanks of a secret also match where a line was wrapped."""
    words = (
        r"\s+".join(re.escape(word) for word in re.split(r"\s+", text)) if text.strip() else re.escape(text)
    )
    return words if inside else rf"(?<![^\W_]){words}(?![^\W_])"


def _spellings(secret: str) -> set[str]:
    """How a secret may be written by a driver, a library, a log or a page."""
    texts = {
        secret,
        repr(secret)[1:-1],
        str(secret.encode())[2:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
    }
    texts |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    texts |= {secret.replace("\\", "\\\\").replace("'", "\\'"), secret.replace("'", "''")}  # conninfo, SQL
    texts |= {shlex.quote(secret), secret.replace("'", "'\"'\"'"), secret.replace("%", "%%")}
    texts |= {repr(text)[1:-1] for text in texts}  # a text within a text
    quoted = {quote(secret, safe=safe) for safe in ("", "/", " +", "~()*!.'", "/:", "/:@")} | {
        quote_plus(secret)
    }
    quoted |= {re.sub(r"%[0-9A-F]{2}", lambda hexed: hexed[0].lower(), text) for text in quoted}
    quoted |= {quote(text, safe="") for text in quoted}
    return texts | quoted


def is_malformed(secret: str) -> bool:
    """Would drivers read another password than the one in the address, or none at all?"""
    return bool(re.search(r"[\s@/?#\[\]\x00-\x1f]|%(?![0-9A-Fa-f]{2})|%00", secret))


SECRETS: Final = Secrets()


def learn_environment(environ: Mapping[str, str], prefix: str) -> None:
    """Learn every secret in settings' values, also of misspelt names and malformed addresses."""
    for name, value in environ.items():
        if name in _LIBPQ:
            SECRETS.learn(value)
        elif name.upper().startswith(prefix + _ADDRESSES):
            SECRETS.learn_address(value)
        elif name.startswith(prefix) and (
            "://" in value or "_URL" in name or re.search(r"(?i)password\s*=", value)
        ):
            SECRETS.learn_url(value)
        elif name.startswith(prefix) and any(part in name for part in _WHOLE):
            SECRETS.learn(value)


def clean(text: str) -> str:
    """The text without any secret of this process."""
    return SECRETS.clean(text)


def clean_value(value: Any) -> Any:  # noqa: ANN401 - whatever a log line carries
    """A value of a log line, however nested, without any secret."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean_value(key): clean_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean_value(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    shown = str(value)
    cleaned = clean(shown)
    return value if cleaned == shown and clean(repr(value)) == repr(value) else cleaned


class _CleanStream:
    """A text stream that writes nothing secret; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text without secrets."""
        self._stream.write(clean(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines without secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the stream's own
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)


@contextmanager
def clean_streams() -> Iterator[None]:
    """Both standard streams write nothing secret until the end; also tracebacks, warnings and other logs."""
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _CleanStream(out), _CleanStream(err)
    clean_hooks()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err


def clean_hooks() -> None:
    """Texts that Python and its libraries make by themselves: log records, warnings, uncaught exceptions."""
    logging.setLogRecordFactory(_clean_record)
    warnings.formatwarning = _clean_warning
    sys.excepthook = _say_exception
    threading.excepthook = _say_thread_exception
    sys.unraisablehook = _say_unraisable


def _clean_record(*given: Any, **named: Any) -> logging.LogRecord:  # noqa: ANN401 - logging's signature
    record = logging.LogRecord(*given, **named)
    try:
        record.msg, record.args = clean(record.getMessage()), ()
    except (TypeError, ValueError, KeyError):  # a text that its values do not fit: the handler says so
        record.args = tuple(clean_value(list(record.args or ())))
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = clean("".join(traceback.format_exception(*record.exc_info)).rstrip())
    return record


_plain_warning = warnings.formatwarning


def _clean_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    return clean(_plain_warning(message, category, filename, lineno, line))


def _say_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    sys.stderr.write(clean("".join(traceback.format_exception(kind, error, trace))))


def _say_thread_exception(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None and not isinstance(given.exc_value, SystemExit):
        sys.stderr.write(f"in thread {given.thread.name if given.thread else '?'}:\n")
        _say_exception(given.exc_type, given.exc_value, given.exc_traceback)


def _say_unraisable(given: Any) -> None:  # noqa: ANN401 - sys.UnraisableHookArgs has no name at run time
    if given.exc_value is not None:
        sys.stderr.write(clean(f"ignored in {given.object!r}:\n"))
        _say_exception(given.exc_type, given.exc_value, given.exc_traceback)
