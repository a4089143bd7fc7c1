"""The list of published files, as the ledger has it and as readers find it. Both are immutable."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from baselines.slots import EVERY, SLOTS, Slots
from pipeline.errors import LakeDamaged, StorageUnavailable, UsageError
from pipeline.errors.phrases import phrase
from pipeline.minute import EPOCH, MINUTE, Span, require_aware

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

#: What tells one manifest.json from the next without reading it: inode, size, time of change.
Stamp = tuple[int, int, int]
EMPTY_STAMP: Final[Stamp] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One immutable Parquet file; `path` is relative to the lake's folder."""

    dataset: str
    path: str
    span: Span
    rows: int
    bytes: int | None  # None: the manifest does not say
    sha256: str
    slots: Slots = EVERY  # of the entities whose rows it holds

    def as_row(self) -> dict[str, Any]:
        """As the ledger stores it."""
        return {
            "dataset": self.dataset,
            "path": self.path,
            "start_minute": self.span.start.isoformat(),
            "end_minute": self.span.end.isoformat(),
            "rows": self.rows,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "slots": f"[{self.slots.first},{self.slots.end})",
        }


def span_of_files(files: Iterable[LakeFile]) -> Span:
    """From the oldest to the newest minute that the files reach; one without minutes where there are none."""
    spans = [file.span for file in files]
    return Span(min((s.start for s in spans), default=EPOCH), max((s.end for s in spans), default=EPOCH))


def runs_of_files(files: Iterable[LakeFile]) -> list[list[LakeFile]]:
    """The files of one dataset in the order of their minutes; those that overlap in time are a run together.

    They hold different slots. A file of all slots can take the place of a whole run only.
    """
    runs: list[list[LakeFile]] = []
    end = EPOCH  # of the last run
    for file in sorted(files, key=lambda file: (file.span.start, file.slots)):
        if runs and file.span.start < end:
            runs[-1].append(file)
        else:
            runs.append([file])
        end = max(end, file.span.end)
    return runs


def runs_within(files: Iterable[LakeFile], dataset: str, span: Span) -> list[list[LakeFile]]:
    """The runs of a dataset that hold minutes of `span`."""
    runs = runs_of_files(file for file in files if file.dataset == dataset)
    return [run for run in runs if span_of_files(run).overlaps(span)]


@dataclass(frozen=True, slots=True)
class Publication:
    """What the ledger says is published: the content of the manifest."""

    version: int
    published_through: datetime | None
    files: Sequence[LakeFile]
    at: datetime  # when the ledger said so, by its own clock


@dataclass(frozen=True, slots=True)
class Manifest:
    """One publication: everything a reader may read at this version."""

    version: int
    published_through: datetime
    generated_at: datetime
    datasets: Mapping[str, tuple[LakeFile, ...]]

    @property
    def newest_minute(self) -> datetime:
        """The newest published minute, by its start."""
        return self.published_through - MINUTE

    @property
    def first_minute(self) -> datetime | None:
        """The oldest published minute that holds a row; None when nothing is published."""
        counted = (
            f.span.start for name, files in self.datasets.items() for f in files if name.endswith("_minute")
        )
        return min(counted, default=None)

    @property
    def span(self) -> Span | None:
        """What is published, from the first minute that holds a row; None when nothing is."""
        first = self.first_minute
        return (
            None if first is None or first >= self.published_through else Span(first, self.published_through)
        )

    def paths(self, dataset: str, span: Span, lake: Path) -> list[str]:
        """The files of `dataset` that hold minutes of `span`."""
        files = self.datasets.get(dataset, ())
        return [str(lake / f.path) for f in files if f.span.overlaps(span)]

    @property
    def files(self) -> list[LakeFile]:
        """The files of all datasets."""
        return [file for files in self.datasets.values() for file in files]


def stamp_of(path: Path) -> Stamp:
    """The stamp of the manifest, `EMPTY_STAMP` when there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return EMPTY_STAMP
    except OSError as error:
        raise _unreadable(path, error) from error
    return (found.st_ino, found.st_size, found.st_mtime_ns)


def read_manifest(path: Path) -> Manifest | None:
    """Parse manifest.json; None before the first publication. Raises LakeDamaged, StorageUnavailable."""
    try:
        return manifest_of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    except KeyError as error:
        raise _damaged(path, f"it has no {error}") from error
    except (ValueError, TypeError, AttributeError, UsageError) as error:
        raise _damaged(path, str(error).splitlines()[0]) from error


def manifest_of(content: Mapping[str, Any]) -> Manifest | None:
    """What `as_content` has made; of other content it raises what its values do, see `read_manifest`."""
    if content["published_through"] is None:
        return None
    return Manifest(
        version=int(content["version"]),
        published_through=_time(content["published_through"]),
        generated_at=_time(content["generated_at"]),
        datasets={
            name: tuple(_file(name, entry) for entry in entries)
            for name, entries in content["datasets"].items()
        },
    )


def manifest_text(publication: Publication, datasets: Iterable[str]) -> str:
    """The content of a manifest, for `read_manifest`."""
    return json.dumps(as_content(publication, datasets), separators=(",", ":"))


def as_content(publication: Publication, datasets: Iterable[str]) -> dict[str, Any]:
    """A publication as JSON has it, for `manifest_of`."""
    through = publication.published_through
    return {
        "version": publication.version,
        "published_through": through.isoformat() if through else None,
        "generated_at": publication.at.isoformat(),
        "datasets": {name: [_entry(f) for f in publication.files if f.dataset == name] for name in datasets},
    }


def _entry(file: LakeFile) -> dict[str, Any]:
    entry = {
        "path": file.path,
        "start": file.span.start.isoformat(),
        "end": file.span.end.isoformat(),
        "rows": file.rows,
        "sha256": file.sha256,
    }
    # Readers of earlier versions know no slots, and need none: they read every file of a minute.
    return entry if file.slots.whole else {**entry, "slots": [file.slots.first, file.slots.end]}


def _file(dataset: str, entry: Mapping[str, Any]) -> LakeFile:
    span, (first, end) = Span(_time(entry["start"]), _time(entry["end"])), entry.get("slots", (0, SLOTS))
    said = (str(entry["path"]), span, int(entry["rows"]), None, str(entry["sha256"]))
    return LakeFile(dataset, *said, Slots(int(first), int(end)))


def _time(text: str) -> datetime:
    return require_aware(datetime.fromisoformat(text))


def _damaged(path: Path, what: str) -> LakeDamaged:
    msg = phrase("{file} is not a list of published files: {met}", file=path.name, met=what)
    return LakeDamaged(msg, "restart the pipeline: it writes the list again")


def _unreadable(path: Path, error: OSError) -> StorageUnavailable:
    msg = phrase("cannot read {file}: {met}", file=path.name, met=error.strerror)
    return StorageUnavailable(msg, "check the rights and the disk of the home")
