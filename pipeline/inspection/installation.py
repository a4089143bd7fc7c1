"""All parts of `check`, each by itself: what fails, or hangs, is said, and the rest goes on."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ConfigurationError, MinuteriskError
from pipeline.errors.secrets import dialect
from pipeline.finding import Finding, failed, worst_level
from pipeline.inspection.data import data_findings
from pipeline.inspection.home import home_findings
from pipeline.inspection.live import state_connection, urls_of
from pipeline.inspection.mysql import MySqlInspection
from pipeline.inspection.plans import CONNECT_S, clock_finding, shapes
from pipeline.inspection.postgresql import PostgresInspection
from pipeline.inspection.rules import rules_findings
from pipeline.inspection.shards import shard_findings
from pipeline.inspection.source import Sampled, inspect_ornaments, inspect_sample
from pipeline.packs import load_pack
from pipeline.store.migrate import current_revision, newest_revision
from pipeline.store.rules import read_rules_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pipeline.embedded import Urls
    from pipeline.settings import Settings
    from pipeline.source.asked import Source

    Part = Callable[[], Iterable[Finding]]

#: A part asks a dozen questions at most, each under its own timeout; past this many timeouts it hangs.
_TIMEOUTS: Final = 12
_GRACE_S: Final = 30.0
_SOURCE: Final = "MINUTERISK_SOURCE_URL"
_STATE: Final = "MINUTERISK_STATE_URL"


class Inspection:
    """Asks everything that `check` says."""

    def __init__(
        self, settings: Settings, open_source: Callable[[Urls], Source], urls: Urls | None = None
    ) -> None:
        self._settings = settings
        self._pack = load_pack(settings.pack)
        self._given = urls  # where nothing but these is to be asked
        self._open_source = open_source
        self._sampled = Sampled()
        self.promise = ""  # what the source says of itself, once it was asked: a view promises less

    def run(self, *, sample: bool, brief: bool = False) -> list[Finding]:
        """Every part in turn; `sample` reads an hour of the source, `brief` is for health checks."""
        findings = self.part("rules", self._rules)
        if not brief:
            findings += self.part("home", lambda: home_findings(self._settings, self._pack.nouns))
            findings += self.part("shards", lambda: shard_findings(self._settings, self._pack))
            findings += self.part("data", lambda: data_findings(self._settings))
        source = self._of_source(sample=sample, brief=brief)
        return _without_repeats([*findings, *source, *self.part("state", self._state)])

    def run_source(self) -> list[Finding]:
        """What there is to say of the source alone."""
        return _without_repeats(self._of_source(sample=True, brief=False))

    def _of_source(self, *, sample: bool, brief: bool) -> list[Finding]:
        os.environ.setdefault("PGCONNECT_TIMEOUT", str(CONNECT_S))  # drivers of libpq wait for ever otherwise
        findings = self.part("source", self._source)
        if worst_level(findings) == "failure" and not self._answers():
            return findings
        findings += self.part("clocks", self._clocks)
        if sample:
            findings += self.part("sample", self._sample)
        if not brief:
            findings += self.part("ornaments", self._ornaments)
            findings += self.part("server", self._server)
            findings += self.part("plans", self._plans)
        return findings

    def _urls(self) -> Urls:
        return self._given or urls_of(self._settings)

    def part(self, name: str, ask: Part) -> list[Finding]:
        """What a part finds; a failure, a fault or no answer in time is a finding too."""
        found: list[Finding] = []

        def work() -> None:
            try:
                found.extend(ask())
            except MinuteriskError as error:
                found.append(failed(name, error))
            except Exception as error:  # noqa: BLE001 - no fault in a part may hide the others
                what = f"unexpected fault: {type(error).__name__}: {error}"
                found.append(Finding(name, "failure", what, "report it with the command you ran"))

        thread = Thread(target=work, name=f"check-{name}", daemon=True)
        thread.start()
        limit_s = _GRACE_S + _TIMEOUTS * self._settings.source_timeout.total_seconds()
        thread.join(limit_s)
        if thread.is_alive():
            what = f"no answer within {limit_s:,.0f} s"
            hint = "is a firewall dropping the connection, or does a lock hold a table? The rest was checked"
            return [*found, Finding(name, "failure", what, hint)]
        return found

    def _rules(self) -> list[Finding]:
        file = read_rules_file(self._pack, self._settings.rules)
        return [Finding("rules", "ok", ""), *rules_findings(self._settings, self._pack, file)]

    def _source(self) -> list[Finding]:
        with self._open_source(self._urls()) as source:
            source.check()
            self.promise = source.promise
        return [Finding("source", "ok", "")]

    def _answers(self) -> bool:
        """Does the source answer at all, although a query of it is wrong?"""
        with suppress(MinuteriskError), self._ask_source() as asked:
            asked.server()
            return True
        return False

    def _state(self) -> list[Finding]:
        with state_connection(self._settings) as connection:
            found = current_revision(connection)
        if found not in (None, newest_revision()):
            msg = f"the operational database stands at {found}, this version needs {newest_revision()}"
            raise ConfigurationError(msg, "the next `minuterisk run` brings it up to date")
        with self._ask_state() as asked:
            server = asked.server()
            return [Finding("state", "ok", ""), asked.pool(server, _STATE, refused=True)]

    def _clocks(self) -> list[Finding]:
        with self._open_source(self._urls()) as source:
            findings = [_clock_of("the source", source.clock)]
        if not self._urls().state_url:
            return findings
        with suppress(MinuteriskError), self._ask_state() as asked:
            findings.append(_clock_of("the operational database", lambda: asked.server()["clock"]))
        return findings

    def _sample(self) -> list[Finding]:
        with self._open_source(self._urls()) as source:
            with suppress(MinuteriskError):
                source.check()  # it learns the type of the ids
            self._sampled = inspect_sample(source)
        return self._sampled.findings

    def _ornaments(self) -> list[Finding]:
        with self._open_source(self._urls()) as source:
            with suppress(MinuteriskError):
                source.check()
            wrong = source.check_ornaments()
            found = [failed(name, error, "warning") for name, error in wrong.items()]
            told = {finding.check for finding in found}
            zone = self._settings.business_timezone
            return found + [f for f in inspect_ornaments(source, self._sampled, zone) if f.check not in told]

    def _server(self) -> Iterable[Finding]:
        with self._ask_source() as asked:
            server = asked.server()
            asks: tuple[Callable[[], Finding], ...] = (
                lambda: asked.rights(server),
                lambda: asked.standby(server),
                lambda: asked.pool(server, _SOURCE, refused=False),
                asked.row_security,
                lambda: self._search(asked, server),
            )
            for ask in asks:
                try:
                    yield ask()
                except MinuteriskError as error:
                    yield failed("server", error, "warning")

    def _search(self, asked: PostgresInspection | MySqlInspection, server: Mapping[str, Any]) -> Finding:
        """How late a commit is certain to be found, which also depends on what `changed` gives."""
        if "gives no newest" in self.promise:
            what = "changed gives no newest: complete for transactions shorter than the look-back (5 minutes)"
            return Finding(
                "search", "note", what, "reconciliation finds what commits later; read a table instead"
            )
        return asked.search(server)

    def _plans(self) -> Iterable[Finding]:
        settings = self._settings
        with self._open_source(self._urls()) as source:
            fence = self._sampled.fence or source.fence()
        asks = shapes(self._pack, fence.clock, self._sampled.ids)
        with self._ask_source() as asked:
            yield from asked.plans(settings.source_queries, asks, fence)

    def _ask_source(self) -> PostgresInspection | MySqlInspection:
        url = self._urls().source_url
        kind = MySqlInspection if dialect(url) == "mysql" else PostgresInspection
        return kind(url, self._settings.source_timeout)

    def _ask_state(self) -> PostgresInspection:
        return PostgresInspection(self._urls().state_url, self._settings.source_timeout, ours=True)


def _clock_of(name: str, ask: Callable[[], datetime]) -> Finding:
    ask()  # opens the connection, which takes its time
    began = time.monotonic()
    theirs = ask()
    here, took_s = datetime.now(UTC), time.monotonic() - began
    return clock_finding("this machine", name, (here - theirs).total_seconds() - took_s / 2, took_s / 2)


def _without_repeats(findings: list[Finding]) -> list[Finding]:
    """One thing that is wrong fails several parts; it is said by the first of them."""
    told: set[str] = set()
    kept = []
    for finding in findings:
        if finding.level in ("warning", "failure") and finding.what in told:
            continue
        told.add(finding.what)
        kept.append(finding)
    return kept
