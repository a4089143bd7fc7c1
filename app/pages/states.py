"""Why something cannot be shown: said once, above every screen, with what there is to do.

A part that fails for a reason which stands here already is left out without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from app import reads
from app.changes import published_of
from app.door import newest_revision
from app.format import capital, count, duration, moment
from app.markup import Markup, join, notice, sentence
from app.pages.beginning import show_beginning
from app.pulse import TONES, heartbeat_age, is_stale, lag, pulse
from app.reads import shared
from app.rows import Reading
from pipeline.errors import (
    ConfigurationError,
    LakeDamaged,
    MinuteriskError,
    StateUnavailable,
    StorageUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.reads import Page
    from app.rows import Heartbeat

#: What cannot be read while the operational database, or the list of files, is away.
_OF_DATABASE: Final = (StateUnavailable, ConfigurationError)
_OF_FILES: Final = (LakeDamaged, StorageUnavailable)


def show_state(page: Page) -> bool:
    """Say what is not as it should be. False: there is nothing yet that a screen could show."""
    heart = reads.heartbeat(page)
    if is_empty(page, heart):
        show_beginning(page)
        return False
    with st.container(key="state", gap=None):  # what stands below keeps its place
        said = join(_said(page, heart))
        if said:
            st.html(said)
        if heart is not None and state_of(page, heart) == "reading":
            _show_reading(page, heart)
    return True


def _said(page: Page, heart: Heartbeat | None) -> Iterator[Markup]:
    if heart is None:
        yield _away(page)
        return
    state = state_of(page, heart)
    if heart.revision != newest_revision():
        yield _revision(page, heart.revision)
    if state == "never":
        yield notice(page.texts("state.never"), page.texts("state.never.note"))
    if state in ("behind", "stopped"):
        yield _late(page, heart, state)
    yield _files(page, heart, state)


def state_of(page: Page, heart: Heartbeat | None) -> str:
    """The word for it, one of `TONES`: also where the database that would say is the pipeline's own."""
    if is_empty(page, heart):
        return "never"
    if heart is None and _is_embedded(page):
        return "stopped"
    return pulse(heart, published_of(page.door), page.clock())


def _is_embedded(page: Page) -> bool:
    """Does the operational database come and go with the pipeline?"""
    return page.door.settings.state_url is None


def is_said(page: Page, error: Exception) -> bool:
    """Is the reason of a failure what `show_state` says?"""
    if isinstance(error, _OF_DATABASE):
        return reads.heartbeat(page) is None
    return isinstance(error, _OF_FILES) and _manifest_problem(page) is not None


def is_empty(page: Page, heart: Heartbeat | None) -> bool:
    """Has nothing ever run here? A database that nobody has set up, or that only knows who may look."""
    settings = page.door.settings
    if published_of(page.door) is not None or _manifest_problem(page) is not None:
        return False
    if heart is not None:
        return heart.epoch == 0 and not page.among_others
    if settings.state_url is None:
        return not (settings.home / "postgres").exists()
    return isinstance(reads.revision(page), ConfigurationError)


def _away(page: Page) -> Markup:
    """The database does not answer, its tables are of another version, or it refuses what it is asked."""
    found, texts = reads.revision(page), page.texts
    if isinstance(found, str) and found != newest_revision():
        return _revision(page, found)
    if _is_embedded(page):
        return notice(texts("state.stopped.whole"), texts("state.stopped.whole.note"), tone="bad")
    what = capital(sentence(_problem(page), texts.language))
    return notice(texts("state.database_down"), texts("state.database_down.note", what=what), tone="bad")


def _problem(page: Page) -> MinuteriskError:
    try:
        page.door.heartbeat()
    except MinuteriskError as error:
        return error
    return StateUnavailable("the operational database did not answer a moment ago")


def _revision(page: Page, found: str) -> Markup:
    needed = newest_revision()
    which = "state.revision.older" if found < needed else "state.revision.newer"
    return notice(page.texts("state.revision"), page.texts(which, found=found, needed=needed), tone="bad")


def _late(page: Page, heart: Heartbeat, state: str) -> Markup:
    """Stopped, or behind: since when, and until when what is shown goes."""
    texts, until = page.texts, heart.next_minute
    if state == "stopped":
        title = texts("state.stopped", duration=duration(heartbeat_age(heart), texts.language))
        if until is None:
            return notice(title, texts("state.stopped.nothing"), tone=TONES[state])
        body = texts("state.stopped.note", time=moment(until, page.zone))
        return notice(title, body, tone=TONES[state])
    if until is None:
        return Markup("")
    title = texts("state.behind", duration=duration(page.clock() - until, texts.language))
    return notice(title, texts("state.behind.note", time=moment(until, page.zone)), tone=TONES[state])


def _files(page: Page, heart: Heartbeat, state: str) -> Markup:
    """The list of published files: unreadable, missing, or older than the ledger."""
    texts, problem = page.texts, _manifest_problem(page)
    if problem is not None:
        body = texts("state.manifest_bad.note", what=sentence(problem, texts.language))
        return notice(texts("state.manifest_bad"), body, tone="bad")
    manifest = published_of(page.door)
    if state == "reading" or not is_stale(heart, manifest):
        return Markup("")
    if manifest is None or heart.next_minute is None:
        return notice(texts("state.no_manifest"), texts("state.no_manifest.note"), tone="bad")
    late = duration(lag(manifest, heart.next_minute), texts.language)
    body = texts("state.stale.note", time=moment(manifest.published_through, page.zone))
    return notice(texts("state.stale", duration=late), body, tone="bad")


def _manifest_problem(page: Page) -> MinuteriskError | None:
    try:
        page.door.lake.manifest()
    except MinuteriskError as error:
        return error
    return None


def _show_reading(page: Page, heart: Heartbeat) -> None:
    texts, found, until = page.texts, reading(page), heart.history_until
    if until is None or not found.minutes:
        st.html(notice(texts("state.reading"), texts("state.reading.first")))
        return
    whole, left = found.of(until), found.left(until)
    said = texts("state.reading.note", done=count(found.minutes), all=count(whole))
    if left is not None:
        said += " " + texts("state.reading.left", duration=duration(left, texts.language))
    st.html(notice(texts("state.reading"), said))
    st.progress(min(1.0, found.minutes / max(whole, 1)))


@shared
def reading(page: Page) -> Reading:
    """How far the reading of the first start's history is."""
    return Reading(**page.door.rows("ops/app_history", {})[0])
