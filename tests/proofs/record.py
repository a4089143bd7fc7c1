"""The record: gather the proofs, write them, compare with them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.proofs import flights, names, seeded
from tests.proofs.home import Proof

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RECORD: Final = Path(__file__).with_name("recorded.json")
#: So the names of proofs begin that only the whole program makes.
SLOW: Final = ("seeded/", "flights/backtest/supported", "flights/backtest/budgeted")


def goldens() -> Iterator[Proof]:
    """The hash of every golden file, by its path under the folder of them."""
    files = sorted(path for path in names.GOLDEN.rglob("*") if path.is_file())
    digests = [(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    yield Proof(
        "goldens",
        [f"{path.relative_to(names.GOLDEN).as_posix()} {digest}" for path, digest in digests],
        shown=True,
    )


def quick(admin_url: str, folder: Path) -> Iterator[Proof]:
    """What `make test` compares."""
    yield from goldens()
    yield from flights.quick(flights.published(admin_url, folder / "flights"))


def whole(admin_url: str, folder: Path) -> Iterator[Proof]:
    """Everything."""
    yield from goldens()
    home = flights.published(admin_url, folder / "flights")
    yield from flights.quick(home)
    yield from flights.slow(home)
    yield from seeded.proofs(*seeded.published(admin_url, folder / "seeded"))


def recorded() -> dict[str, Any]:
    """The content of the record."""
    content: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return content


def expected(*, only_quick: bool) -> dict[str, Any]:
    """What must come out again."""
    proofs: dict[str, Any] = recorded()["proofs"]
    return {name: found for name, found in proofs.items() if not (only_quick and name.startswith(SLOW))}


def write(proofs: Iterable[Proof]) -> None:
    """Make these the record; the figures of the benchmark stay."""
    content = recorded() if RECORD.exists() else {}
    content["proofs"] = {proof.name: proof.as_json() for proof in proofs}
    RECORD.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """A line for each proof that is not as recorded; none: everything is the same to the byte."""
    lines = []
    for name in dict.fromkeys([*expected, *found]):
        was, now = expected.get(name), found.get(name)
        if was is None or now is None:
            lines.append(f"{name}: {'not recorded' if was is None else 'recorded, but not made'}")
        elif was != now:
            lines.append(
                f"{name}: {was['lines']} lines {was['sha256'][:12]}, now {now['lines']} {now['sha256'][:12]}"
            )
            lines += [f"  was {text}" for text in was.get("shown", []) if text not in now.get("shown", [])]
            lines += [f"  now {text}" for text in now.get("shown", []) if text not in was.get("shown", [])]
    return lines
