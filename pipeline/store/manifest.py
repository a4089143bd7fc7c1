"""The list of published files, as the pipeline writes it: parsed once per publication, immutable."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import LakeDamaged, StorageUnavailable, UsageError
from pipeline.minute import MINUTE, Span, require_aware

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: What tells one manifest.json from the next without reading it: inode, size, time of change.
Stamp = tuple[int, int, int]
EMPTY_STAMP: Final[Stamp] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One immutable Parquet file; `path` is relative to the lake."""

    path: str
    start: datetime
    end: datetime
    rows: int

    @property
    def span(self) -> Span:
        """The minutes it holds."""
        return Span(self.start, self.end)


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
        """The oldest published minute that holds a transaction; None when nothing is published."""
        return min((f.start for f in self.datasets.get("merchant_minute", ())), default=None)

    def paths(self, dataset: str, span: Span, lake: Path) -> list[str]:
        """The files of `dataset` that hold minutes of `span`."""
        files = self.datasets.get(dataset, ())
        return [str(lake / f.path) for f in files if f.start < span.end and f.end > span.start]


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
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["published_through"] is None:
            return None
        return Manifest(
            version=int(content["version"]),
            published_through=_time(content["published_through"]),
            generated_at=_time(content["generated_at"]),
            datasets={name: tuple(map(_file, files)) for name, files in content["datasets"].items()},
        )
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    except KeyError as error:
        raise _damaged(path, f"it has no {error}") from error
    except (ValueError, TypeError, AttributeError, UsageError) as error:
        raise _damaged(path, str(error).splitlines()[0]) from error


def _file(entry: Mapping[str, Any]) -> LakeFile:
    return LakeFile(str(entry["path"]), _time(entry["start"]), _time(entry["end"]), int(entry["rows"]))


def _time(text: str) -> datetime:
    return require_aware(datetime.fromisoformat(text))


def _damaged(path: Path, what: str) -> LakeDamaged:
    msg = f"{path.name} is not a list of published files: {what}"
    return LakeDamaged(msg, "restart the pipeline: it writes the list again")


def _unreadable(path: Path, error: OSError) -> StorageUnavailable:
    msg = f"cannot read {path.name}: {error.strerror}"
    return StorageUnavailable(msg, "check the rights and the disk of the home")
