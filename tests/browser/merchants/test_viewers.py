"""The clients of the benchmark do what a browser does: they are drawn, ask by themselves, see what comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession

from tests.benchmarks.dashboard import TARGETS, _spread, against_targets
from tests.benchmarks.viewers import Viewer
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.browser.merchants.conftest import House

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


async def _look(house: House) -> Viewer:
    viewer = Viewer(house.address, house.token("kim"), "incidents")
    looking = asyncio.create_task(viewer.look())
    await viewer.drawn()
    seen = viewer.awaits("관객의 가게")
    await asyncio.to_thread(house.add, "관객의 가게", merchant_id="v1")
    async with asyncio.timeout(PATIENCE_S):
        await seen
    again = viewer.awaits("관객의 가게")
    viewer.query = "state=resolved"
    await viewer.ask()
    await viewer.drawn()
    assert not again.done()  # the same screen, with another query
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)  # it closes its connection first
    return viewer


def test_a_viewer_sees_an_incident_come(house: House) -> None:
    viewer = asyncio.run(_look(house))
    assert viewer.failures == []
    assert len(viewer.drawn_ms) >= 2
    assert viewer.refresh_ms  # it asked by itself, else it would not have seen it
    assert viewer.received_bytes > 0


def test_what_was_typed_is_answered_where_another_run_follows_at_once() -> None:
    """The server then tells of a run that was finished as of one that ended early."""

    async def typed(*, whole: bool) -> bool:
        viewer = Viewer("", "")
        viewer._answered["found"] = answered = asyncio.Event()
        viewer._take(_said(["found"], script_finished=ForwardMsg.FINISHED_EARLY_FOR_RERUN))
        assert not answered.is_set()
        viewer._take(_said([] if whole else ["bar"], new_session=NewSession()))
        return answered.is_set()

    assert asyncio.run(typed(whole=False))
    assert not asyncio.run(typed(whole=True))  # that one was cut short: the whole answers


def _said(fragments: Sequence[str], **given: object) -> bytes:
    message = ForwardMsg(**given)  # type: ignore[arg-type]
    message.metadata.run.fragment_ids.extend(fragments)
    return bytes(message.SerializeToString())


def test_a_spread_is_of_the_nearest_rank() -> None:
    assert _spread([3.0, 1.0, 2.0]) == {"median": 2.0, "p95": 3.0, "count": 3}
    assert _spread([float(n) for n in range(1, 101)])["p95"] == 95.0


def test_every_target_is_measured_and_one_that_is_missed_is_named() -> None:
    spread = {"median": 1.0, "p95": 1.0}
    found = {
        "first_paint": {"with nothing kept": {"p95": 10**6}, "now": spread},
        "interaction": {"now": {"p95": 501.0}},
        "search": spread,
        "visible": spread,
        "viewers": {"share_of_a_core": 0.1, "refresh_ms": spread},
        "ticks": {"ratio": 1.0},
        "memory": {"rss_mb_after": 400},
    }
    rows = against_targets(found)
    assert set(rows) == set(TARGETS)
    assert [name for name, row in rows.items() if not row["met"]] == ["interaction_ms_p95"]
