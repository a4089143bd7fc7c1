"""`python -m tests.proofs`: make every proof again and compare; exit code 1 where one is not as recorded."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.proofs import record
from tests.proofs.home import server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proofs.home import Proof


def main() -> int:
    """Make, keep, compare or write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what `make test` compares")
    parser.add_argument("--write", action="store_true", help="make what is found the record")
    parser.add_argument(
        "--keep", type=Path, help="write the lines behind each hash here, to compare two commits"
    )
    asked = parser.parse_args()
    if asked.write and asked.quick:
        parser.error("a record is written whole")
    proofs = list(_made(quick=asked.quick))
    if asked.keep:
        _keep(asked.keep, proofs)
    if asked.write:
        record.write(proofs)
    expected = record.expected(only_quick=asked.quick)
    found = record.differences(expected, {proof.name: proof.as_json() for proof in proofs})
    print("\n".join(found or [f"{len(proofs)} proofs are as recorded"]))
    print("make bench-quick when this was recorded:", json.dumps(record.recorded().get("bench_quick")))
    return 1 if found else 0


def _made(*, quick: bool) -> Iterator[Proof]:
    make, start = record.quick if quick else record.whole, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mrproofs-") as folder, server(Path(folder)) as admin_url:
        for proof in make(admin_url, Path(folder)):
            print(
                f"{time.monotonic() - start:6.1f} s  {len(proof.lines):>7} lines  {proof.name}",
                file=sys.stderr,
            )
            yield proof


def _keep(folder: Path, proofs: list[Proof]) -> None:
    for proof in proofs:
        path = folder / f"{proof.name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(proof.lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
