"""However minutes are split among files by slots, everything is as if they had been published whole.

Two homes live through the same: one publishes each piece of time in one file, the other in files of random
slots, cut anew for each piece, as after the number of shards has changed. On a real database.
"""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from baselines.slots import EVERY, SLOTS, Slots, among, shares, slots_of
from pipeline.errors import LakeDamaged
from pipeline.judge.life import Changes
from pipeline.judge.verdicts import EVERYBODY
from pipeline.minute import MINUTE, Span, one_minute
from pipeline.packs.merchants import PACK
from pipeline.prove.rejudge import replace_files, replace_signals
from pipeline.store.compact import compact
from pipeline.store.lake import Lake
from pipeline.store.manifest import LakeFile, manifest_text, read_manifest
from pipeline.store.state import Correction, MinuteCommit, State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from pipeline.store.manifest import Publication

SEOUL = ZoneInfo("Asia/Seoul")
START = datetime(2026, 3, 1, 13, 30, tzinfo=UTC)
MIDNIGHT, LENGTH = 90, 180  # in minutes since then
WHOLE = Span(START, START + LENGTH * MINUTE)
#: Numbers, one that is not in its usual form, texts, one like everybody, one without a letter.
IDS = [*map(str, range(20)), "-7", "042", "9223372036854775808", "가맹점", "M1", EVERYBODY, ""]


def rows_of(dataset: str, minutes: dict[int, int]) -> pl.DataFrame:
    """`minutes`: how many rows by minutes after START; of many in a minute some are of one entity."""
    schema, entity = PACK.datasets[dataset], "entity_id" if dataset == "signal" else "merchant_id"
    most = 1 if dataset == PACK.dataset else 3  # rows of an entity in a minute
    rows = []
    for offset, size in sorted(minutes.items()):
        ids: list[str | None] = [IDS[(offset + n // most) % len(IDS)] for n in range(size)]
        if dataset == "quarantine":
            ids = [name if n % 3 else None for n, name in enumerate(ids)]
        if dataset in {PACK.dataset, "signal"}:  # by entity, as they are counted and judged
            ids = sorted(set(ids) if most == 1 else ids, key=str)
        for n, name in enumerate(ids):
            row: dict[str, object] = {
                column: {pl.String: "x", pl.Boolean: False}.get(type(dtype), offset * 100 + n)
                for column, dtype in schema.items()
                if not isinstance(dtype, pl.Datetime)
            }
            rows.append(row | {"minute": START + offset * MINUTE, entity: name})
    return pl.DataFrame(rows, schema)


@dataclass
class Home:
    """What one of the two publishes."""

    lake: Lake
    state: State

    @property
    def publication(self) -> Publication:
        return self.state.publication()

    def read(self, dataset: str, span: Span = WHOLE, slots: Slots = EVERY) -> pl.DataFrame:
        return self.lake.read(self.publication.files, dataset, span, slots=slots)

    def publish(self, dataset: str, rows: pl.DataFrame, pieces: Sequence[tuple[Span, Slots]]) -> None:
        entity = "entity_id" if dataset == "signal" else "merchant_id"
        files = []
        for span, slots in pieces:
            inside = (pl.col("minute") >= span.start) & (pl.col("minute") < span.end)
            mine = among(rows[entity].fill_null(""), slots)
            files.append(self.lake.write(dataset, rows.filter(mine).filter(inside), span, slots))
        self.state.commit(MinuteCommit([], [f for f in files if f], WHOLE.end))

    def correct(self, dataset: str, revised: dict[datetime, pl.DataFrame], span: Span) -> None:
        if dataset == "signal":
            rows = pl.concat([PACK.signal.to_frame(), *(r for m, r in revised.items() if m >= span.start)])
            new, replaced = replace_signals(self.lake, self.publication.files, span, rows)
        else:
            new, replaced = replace_files(self.lake, self.publication.files, dataset, revised)
        paths = [file.path for file in replaced]
        self.state.correct(Correction("late_commit", [], paths, new, Changes(), (), WHOLE.end))

    @property
    def files(self) -> list[tuple[Span, Slots, str]]:
        return [(file.span, file.slots, file.sha256) for file in self.publication.files]


def a_home(folder: Path, engine: Engine) -> Home:
    shutil.rmtree(folder / "lake", ignore_errors=True)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE lake_file, watermark"))
    state = State(engine, "postgresql:///test", PACK.name, "KRW")
    state.epoch = 0
    return Home(Lake(PACK, folder / "lake", folder / "manifest.json", folder / "a.duckdb", SEOUL), state)


@st.composite
def cuts_of_slots(draw: st.DrawFn) -> list[Slots]:
    """All slots in up to five parts, by any borders."""
    inner = draw(st.sets(st.one_of(st.integers(1, SLOTS - 1), st.sampled_from([256, 512, 768])), max_size=3))
    return [Slots(a, b) for a, b in itertools.pairwise([0, *sorted(inner), SLOTS])]


@st.composite
def cuts_of_time(draw: st.DrawFn, most: int) -> list[Span]:
    """The whole in pieces, none of two business days."""
    cuts = draw(st.sets(st.integers(1, LENGTH - 1), max_size=most)) | {MIDNIGHT}
    borders = [START + n * MINUTE for n in [0, *sorted(cuts), LENGTH]]
    return [Span(a, b) for a, b in itertools.pairwise(borders)]


MINUTES = st.dictionaries(st.integers(0, LENGTH - 1), st.integers(1, 40), min_size=1, max_size=15)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(data=st.data())
def test_split_by_slots_everything_is_as_if_published_whole(
    tmp_path: Path, state_engine: Engine, data: st.DataObject
) -> None:
    dataset = data.draw(st.sampled_from([PACK.dataset, "signal", "quarantine"]), "dataset")
    rows = rows_of(dataset, data.draw(MINUTES, "minutes"))
    spans = data.draw(cuts_of_time(10), "cuts")
    parts = [data.draw(cuts_of_slots(), "slots") for _ in spans]
    pieces = [(span, slots) for span, of_span in zip(spans, parts, strict=True) for slots in of_span]
    revised = rows_of(dataset, data.draw(MINUTES, "revised"))
    of_minute = {minute: revised.filter(pl.col("minute") == minute) for minute in revised["minute"].unique()}
    emptied = data.draw(st.sets(st.integers(0, LENGTH - 1), max_size=3), "emptied")
    of_minute |= {START + n * MINUTE: revised.clear() for n in emptied}
    since = Span(START + data.draw(st.integers(0, LENGTH - 1), "judged since") * MINUTE, WHOLE.end)
    until = START + data.draw(st.sampled_from([30, 95, 24 * 60]), "until") * MINUTE
    number = data.draw(st.integers(1, 5), "shards")

    seen = []
    for given_pieces in ([(span, EVERY) for span in spans], pieces):
        home = a_home(tmp_path, state_engine)
        home.publish(dataset, rows, given_pieces)
        found = [home.read(dataset), home.read(dataset, Span(START + 20 * MINUTE, START + 71 * MINUTE))]
        found += [home.read(dataset, slots=slots) for slots in shares(number)]
        home.correct(dataset, of_minute, since)
        found.append(home.read(dataset))
        compact(home.lake, home.state, until)
        found.append(home.read(dataset))
        found += [home.read(dataset, slots=slots) for slots in shares(number)]
        compact(home.lake, home.state, START + timedelta(days=2))
        assert all(file.slots == EVERY for file in home.publication.files)
        assert compact(home.lake, home.state, START + timedelta(days=2)) == 0, "it does not come to rest"
        seen.append((found, home.files))
    (one, files_of_one), (other, files_of_other) = seen
    for mine, theirs in zip(one, other, strict=True):
        assert mine.equals(theirs)
    assert one[0].height == rows.height
    assert files_of_one == files_of_other, "compacted files are not the same bytes"


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
@given(data=st.data())
def test_shards_may_cut_their_history_each_in_another_way(
    tmp_path: Path, state_engine: Engine, data: st.DataObject
) -> None:
    """Files that overlap in time only in part: read, corrected and compacted all the same."""
    rows = rows_of(PACK.dataset, data.draw(MINUTES, "minutes"))
    revised = rows_of(PACK.dataset, data.draw(MINUTES, "revised"))
    of_minute = {minute: revised.filter(pl.col("minute") == minute) for minute in revised["minute"].unique()}
    pieces = []
    for slots in data.draw(cuts_of_slots(), "slots"):
        pieces += [(span, slots) for span in data.draw(cuts_of_time(4), "cuts")]
    home = a_home(tmp_path, state_engine)
    home.publish(PACK.dataset, rows, pieces)
    assert home.read(PACK.dataset).equals(rows)
    home.correct(PACK.dataset, of_minute, WHOLE)
    corrected = pl.concat([rows.filter(~pl.col("minute").is_in(list(of_minute))), revised])
    corrected = corrected.sort("minute", "merchant_id", maintain_order=True)
    assert home.read(PACK.dataset).equals(corrected)
    for until in (START + 95 * MINUTE, START + timedelta(days=2)):
        compact(home.lake, home.state, until)
        assert home.read(PACK.dataset).equals(corrected)
    assert compact(home.lake, home.state, START + timedelta(days=2)) == 0


def test_the_rows_of_slots_are_those_of_their_entities(tmp_path: Path, state_engine: Engine) -> None:
    """Held against the rule itself; whoever has no entity is of the first slot."""
    rows = rows_of("quarantine", {5: 40, 6: 3})
    home = a_home(tmp_path, state_engine)
    home.publish("quarantine", rows, [(WHOLE, EVERY)])
    slot_of = {name: int(slot) for name, slot in zip(IDS, slots_of(pl.Series(IDS)), strict=True)}
    for slots in shares(7):
        mine = [slots.first <= slot_of[name or ""] < slots.end for name in rows["merchant_id"].to_list()]
        expected = rows.filter(pl.Series(mine)).sort("minute", "merchant_id", maintain_order=True)
        assert home.read("quarantine", slots=slots).equals(expected)
    assert slot_of[""] == 0


def test_a_damaged_file_of_other_slots_is_not_written_into_a_new_one(
    tmp_path: Path, state_engine: Engine
) -> None:
    """It holds no revised minute, but overlaps in time one that does."""
    rows = rows_of(PACK.dataset, {0: 20, 40: 20})
    home = a_home(tmp_path, state_engine)
    (low, high), half = shares(2), Span(START, START + 20 * MINUTE)
    home.publish(PACK.dataset, rows, [(WHOLE, low), (half, high), (Span(half.end, WHOLE.end), high)])
    (other,) = [file for file in home.publication.files if file.span == half]
    path = home.lake.folder / other.path
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(LakeDamaged):
        home.correct(PACK.dataset, {START + 40 * MINUTE: rows.clear()}, WHOLE)


def test_the_list_of_files_names_slots_only_where_they_are_not_all(
    tmp_path: Path, state_engine: Engine
) -> None:
    rows = rows_of(PACK.dataset, {0: 20, 1: 20})
    home = a_home(tmp_path, state_engine)
    low, high = shares(2)
    first, second = one_minute(START), one_minute(START + MINUTE)
    home.publish(PACK.dataset, rows, [(first, EVERY), (second, low), (second, high)])
    files = home.publication.files
    assert [file.slots for file in files] == [EVERY, low, high]
    manifest = tmp_path / "manifest.json"
    publication = replace(home.publication, published_through=WHOLE.end)
    manifest.write_text(manifest_text(publication, PACK.datasets), encoding="utf-8")
    assert manifest.read_text(encoding="utf-8").count('"slots"') == 2
    found = read_manifest(manifest)
    assert found is not None
    assert [(file.path, file.slots) for file in found.files] == [(file.path, file.slots) for file in files]
    assert found.datasets[PACK.dataset][0] == LakeFile(
        PACK.dataset, files[0].path, first, files[0].rows, None, files[0].sha256
    )
