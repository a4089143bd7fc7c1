"""What the documents say exists, and what exists is in the documents."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from pipeline.commands import COMMANDS
from pipeline.packs import PACKS
from pipeline.packs.merchants.at_risk import COLUMNS as PAYOUT_COLUMNS
from pipeline.packs.merchants.schema import TRANSACTION
from pipeline.schema import AMOUNT_MAJOR, CURRENCY
from pipeline.settings import APPRISE, Settings

ROOT = Path(__file__).resolve().parents[2]
READMES = ("README.md", "README.ko.md")


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def documents() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_in_the_table_and_no_other(name: str) -> None:
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", text_of(name), re.MULTILINE)
    named = {word.split()[0] for row in rows for word in re.findall(r"`([^`]+)`", row)}
    named = {word for word in named if word.islower() and "_" not in word and "." not in word}
    assert named == set(COMMANDS)


@pytest.mark.parametrize("name", READMES)
def test_every_setting_is_in_the_table_and_no_other(name: str) -> None:
    rows = re.findall(r"^\| (`MINUTERISK_[^|]+) \|", text_of(name), re.MULTILINE)
    named = {found for row in rows for found in re.findall(r"MINUTERISK_([A-Z_]+)", row)}
    known = {field.name.upper() for field in fields(Settings) if field.metadata}
    assert named == known | {APPRISE.upper()}  # each has a name that people choose


def test_the_example_environment_names_only_settings_that_exist() -> None:
    named = set(re.findall(r"MINUTERISK_([A-Z_]+)", text_of(".env.example")))
    ways = {name for name in named if name.startswith(APPRISE.upper())}  # each has a name that people choose
    ours = {re.sub(rf"^({'|'.join(PACKS)})_", "", name, flags=re.IGNORECASE) for name in named - ways}
    assert ours <= {field.name.upper() for field in fields(Settings)}


def test_every_setting_of_the_example_environment_reaches_the_services() -> None:
    named = set(re.findall(r"^#?(\w+)=", text_of(".env.example"), re.MULTILINE))
    files = text_of("docker-compose.yml") + text_of("docker-compose.cluster.yml")
    assert named - set(re.findall(r"\$\{(\w+)", files)) == set()


def test_every_make_target_a_document_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {
        (path.name, found)
        for path in documents()
        for found in re.findall(r"`make ([a-z-]+)", path.read_text(encoding="utf-8"))
    }
    assert {pair for pair in named if pair[1] not in targets} == set()


def test_every_relative_link_and_named_test_file_exists() -> None:
    missing = []
    for path in documents():
        content = path.read_text(encoding="utf-8")
        linked = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", content)
        missing += [f"{path.name}: {link}" for link in linked if not (path.parent / link).exists()]
        files = re.findall(r"\btests/[\w/]+\.py\b", content)
        missing += [f"{path.name}: {name}" for name in files if not (ROOT / name).exists()]
    assert missing == []


def test_every_test_a_document_names_exists() -> None:
    code = "\n".join(p.read_text(encoding="utf-8") for p in tracked() if p.suffix == ".py")
    defined = set(re.findall(r"def (test_\w+)", code)) | {p.stem for p in tracked()}
    named = {
        (path.name, found)
        for path in documents()
        for found in re.findall(r"`(test_\w+)`", path.read_text(encoding="utf-8"))
    }
    assert {pair for pair in named if pair[1] not in defined} == set()


def typed_columns() -> dict[str, dict[str, list[str]]]:
    """The table of types of queries/README.md: per query and column the cells after these two."""
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)`([^|]*) \| (.+) \|$", text_of("queries/README.md"), re.MULTILINE
    )
    found: dict[str, dict[str, list[str]]] = {}
    for query, column, remark, cells in rows:
        found.setdefault(query, {})[column] = [remark.strip(), *cells.split(" | ")]
    return found


def test_every_column_of_the_extraction_queries_has_its_types_in_the_table() -> None:
    found = {query: set(columns) for query, columns in typed_columns().items()}
    assert found["transactions"] == {*TRANSACTION, AMOUNT_MAJOR, CURRENCY}
    assert found["at_risk"] == set(PAYOUT_COLUMNS)
    assert found["categories"] == {"merchant_id", "category", "merchant_name"}
    assert set(found) == {path.stem for path in (ROOT / "queries/merchants/extract/postgresql").glob("*.sql")}
    for columns in typed_columns().values():
        assert {len(cells) for cells in columns.values()} == {5}


@pytest.mark.parametrize(("dialect", "cell"), [("postgresql", 1), ("mysql", 2)])
def test_the_queries_we_ship_give_the_columns_of_the_table(dialect: str, cell: int) -> None:
    for query, columns in typed_columns().items():
        asked = re.sub(r"--[^\n]*", "", text_of(f"queries/merchants/extract/{dialect}/{query}.sql"))
        words = {word.removesuffix("_utc") for word in re.findall(r"\w+", asked)}
        needed = {n for n, c in columns.items() if c[cell] != "not given" and not c[0].startswith("(")}
        assert needed <= words, query


def test_no_file_holds_a_path_of_somebodys_machine_or_the_address_of_a_package_index() -> None:
    # Put together here, so that this file does not hold them itself.
    machines = ("/" + "root/", "/" + "work/", "/home/" + r"\w+/")
    indexes = ("pypi" + r"\.org", "files.python" + "hosted")
    told = re.compile("|".join((*machines, *indexes)))
    found = []
    for path in tracked():
        if path.suffix in {".png", ".parquet", ".gz"}:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in set(told.findall(path.read_text("utf-8")))]
    assert found == []
