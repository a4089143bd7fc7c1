from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from app.door import Door, state_url
from pipeline.errors import LakeDamaged, StateUnavailable
from pipeline.minute import MINUTE, Span
from pipeline.settings import Settings
from tests.app.merchants.home import minute_rows, publish, write_file, write_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.store.manifest import Manifest

END = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)  # 10:00 in Seoul
SEOUL = ZoneInfo("Asia/Seoul")
WHOLE = {
    "version": 1,
    "published_through": "2026-11-21T01:00Z",
    "generated_at": "2026-11-21T01:00Z",
    "datasets": {},
}


def door_of(home: Path) -> Door:
    return Door(Settings(home=home, business_timezone=SEOUL))


def published(door: Door) -> Manifest:
    manifest = door.lake.manifest()
    assert manifest is not None
    return manifest


def last(minutes: int) -> Span:
    return Span(END - minutes * MINUTE, END)


# manifest


def test_before_the_first_publication_there_is_no_manifest(tmp_path: Path) -> None:
    assert door_of(tmp_path).lake.manifest() is None


def test_a_manifest_without_a_published_minute_counts_as_none(tmp_path: Path) -> None:
    empty: dict[str, object] = {
        "version": 0,
        "published_through": None,
        "generated_at": "2026-11-21T01:00:00Z",
        "datasets": {},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(empty), encoding="utf-8")
    assert door_of(tmp_path).lake.manifest() is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"version": 1}',
        json.dumps({**WHOLE, "version": "new"}),
        json.dumps({**WHOLE, "published_through": 7}),
        json.dumps({**WHOLE, "published_through": "2026-11-21T01:00"}),
        json.dumps({**WHOLE, "datasets": {"merchant_minute": [{"path": "x"}]}}),
    ],
)
def test_a_manifest_that_is_none_is_refused_with_a_next_step(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(LakeDamaged, match=r"manifest\.json is not a list of published files") as refused:
        door_of(tmp_path).lake.manifest()
    assert refused.value.hint


def test_a_replaced_manifest_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    door = door_of(tmp_path)
    publish(tmp_path, last(3), ["a"], version=1)
    first = published(door)
    assert published(door) is first
    publish(tmp_path, last(4), ["a"], version=2)
    assert published(door).version == 2


def test_the_manifest_chooses_files_by_time(tmp_path: Path) -> None:
    early, late = Span(END - 4 * MINUTE, END - 2 * MINUTE), last(2)
    files = [
        write_file(tmp_path, f"{i}.parquet", s, minute_rows(s, "a")) for i, s in enumerate((early, late))
    ]
    write_manifest(tmp_path, files, END)
    manifest = published(door_of(tmp_path))
    lake = tmp_path / "lake"
    assert manifest.paths("merchant_minute", last(1), lake) == [str(lake / files[1]["path"])]
    assert len(manifest.paths("merchant_minute", last(3), lake)) == 2
    assert manifest.paths("signal", last(3), lake) == []
    assert manifest.first_minute == early.start
    assert manifest.newest_minute == END - MINUTE


# the operational database's address


def test_a_configured_address_is_taken_as_it_is(tmp_path: Path) -> None:
    assert state_url(Settings(home=tmp_path, state_url="postgresql://u@h/d")) == "postgresql://u@h/d"


def test_without_one_the_running_embedded_server_says_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailable, match="no running installation"):
        door_of(tmp_path).heartbeat()
    (tmp_path / "run").mkdir()
    addresses = {"source_url": "postgresql://s", "state_url": "postgresql://t", "trade_url": "postgresql://u"}
    (tmp_path / "run" / "embedded.json").write_text(json.dumps(addresses), encoding="utf-8")
    assert state_url(Settings(home=tmp_path)) == "postgresql://t"


def test_a_database_that_does_not_answer_is_said_in_one_line(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    door = Door(Settings(home=tmp_path, state_url=f"postgresql:///none?host={nowhere}"))
    with pytest.raises(StateUnavailable, match="does not answer") as refused:
        door.heartbeat()
    assert "\n" not in refused.value.what
    assert refused.value.hint
