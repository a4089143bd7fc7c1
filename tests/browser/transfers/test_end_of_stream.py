"""A server that is told to end does not wait for the streams that go on for ever, and has nothing to tell."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from pipeline.settings import Settings
from tests.app.transfers.home import add_payment
from tests.browser.chrome import served
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Engine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_an_open_stream_ends_with_its_server(tmp_path: Path, state_engine: Engine, state_url: str) -> None:
    home = tmp_path / "home"
    home.mkdir()
    add_payment(state_engine, "t1", judged={"decision": "block", "score": 100})
    with served(Settings(home=home, state_url=state_url, packs=("transfers",)), tmp_path) as address:
        answer = requests.get(f"{address}/feed/stream?language=en", stream=True, timeout=PATIENCE_S)
        lines = (line.decode() for line in answer.iter_lines())
        assert next(line for line in lines if line.startswith("event:")) == "event: alerts"
        assert '"decision": "▲ block"' in next(lines)
        begin = time.monotonic()
    assert time.monotonic() - begin < 10
    answer.close()
    (told,) = (tmp_path / "dashboard.log").read_text(encoding="utf-8").splitlines()
    assert told == f"dashboard  {address}/"
