"""CONTRIBUTING.md: what its recipes say is done here, in a copy of the project."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AFTER_A_PACK = (
    "Add a field to an event",
    "Add a measure",
    "Change a shipped event rule",
    "Add a way in",
    "Add a carrier",
)
AFTER_A_RULE = (
    "Add a question or a check of the published data",
    "Add a row of a programme",
    "Add to the money at risk",
    "Add a section to the report",
)
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
#: Not all of data/: it is also the default home.
_DATA = ("data/merchants", "data/transfers")
_FOLDERS = ("pipeline", "baselines", "queries", "app", *_DATA, "tests/unit", "tests/doors")
_FILES = ("scheduler.py", "pyproject.toml", "tests/conftest.py", "tests/people.py", "tests/servers.py")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's code, free to change."""
    made = tmp_path / "copy"
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, made / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*(ROOT / name for name in _FILES), *(ROOT / "data").glob("*.py")):
        shutil.copy(path, made / path.relative_to(ROOT))
    return made


def python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=copy, capture_output=True, text=True, timeout=250, check=False
    )


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new), encoding="utf-8")


def recipe(title: str) -> str:
    """A section of CONTRIBUTING.md."""
    return CONTRIBUTING.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(
    "title",
    [
        *("Add a rule", "Add a pack", "Add an act", "Change a message", "Add a page", "Add to every screen"),
        *AFTER_A_PACK,
        *AFTER_A_RULE,
    ],
)
def test_every_path_that_a_recipe_names_is_there(title: str) -> None:
    said = recipe(title)
    assert said
    named = re.findall(r"`((?:\w+/)+[\w.]*)`|\]\(([\w/.]+)\)", said)
    paths = [path for one, other in named if not re.search("NAME|SCREEN|SECTION", path := one or other)]
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert missing == (["pipeline/packs/merchants/rules/ticket_size.py"] if title == "Add a rule" else [])


def test_every_name_that_the_recipe_of_an_act_gives_stands_in_its_file() -> None:
    said = " ".join(recipe("Add an act").split())
    named = re.findall(r"`((?!\w*watch)\w+)` (?:in|of) `([\w/]+\.py)`", said)
    assert len(named) == 10
    missing = [(n, path) for n, path in named if not re.search(rf"\b{n}\b", (ROOT / path).read_text("utf-8"))]
    assert missing == []


@pytest.mark.parametrize("title", [*AFTER_A_PACK, *AFTER_A_RULE])
def test_every_name_that_a_recipe_gives_stands_in_its_file(title: str) -> None:
    said = " ".join(recipe(title).split())
    named = re.findall(r"`(\w+)` (?:in|of) `([\w/]+\.py)`", said)
    named += re.findall(r"`([\w/]+\.py)`(?:\*\*)?:? \(?`(\w+)`", said)
    pairs = [(name, path) if path.endswith(".py") else (path, name) for name, path in named]
    assert pairs or title in ("Change a shipped event rule", "Add a row of a programme")
    missing = [(n, path) for n, path in pairs if not re.search(rf"\b{n}\b", (ROOT / path).read_text("utf-8"))]
    assert missing == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_add_a_rule(copy: Path) -> None:
    patch = Path(__file__).with_name("ticket_size.patch")  # what the recipe's example comes to
    changed = re.findall(r"^\+\+\+ b/(?!tests/)(\S+)", patch.read_text(encoding="utf-8"), re.MULTILINE)
    said = re.findall(r"^\d\. \*\*`([\w/.]+)`\*\*", recipe("Add a rule"), re.MULTILINE)
    assert sorted(changed) == sorted(said)
    assert len(changed) == 8
    subprocess.run(["git", "apply", str(patch)], cwd=copy, check=True)
    tests = [f"tests/unit/merchants/test_{name}.py" for name in ("ticket_size", "borders")]
    tests.append("tests/unit/app/test_rules_numbers.py")
    ran = python(copy, *PYTEST, *tests)
    assert ran.returncode == 0, ran.stdout[-2000:]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_change_a_message(copy: Path) -> None:
    tests = re.findall(r"`pytest (\S+)`", recipe("Change a message"))
    rewriting = re.findall(r"`pytest (\S+) (--rewrite-golden)`", recipe("Change a message"))
    assert (len(tests), len(rewriting)) == (1, 1)
    words = copy / "pipeline" / "packs" / "merchants" / "words.py"
    replace(words, "The cancels themselves rose.", "More was cancelled.")
    shown = python(copy, *PYTEST, "--exitfirst", tests[0])
    assert shown.returncode == 1
    assert "More was cancelled." in shown.stdout
    python(copy, *PYTEST, *rewriting[0])
    assert python(copy, *PYTEST, tests[0]).returncode == 0
    golden = "".join(path.read_text(encoding="utf-8") for path in (copy / "tests/unit/golden").rglob("*.*"))
    assert "More was cancelled." in golden
    assert "The cancels themselves rose." not in golden
    replace(words, '"more_cancels": "More was cancelled."', '"fewer": "?"')
    replace(words, '"volume_drop": "Volume drop",', "")
    refused = python(copy, "-c", "import pipeline.packs.merchants")
    assert "the pack merchants: no word in en for volume_drop" in refused.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_add_a_pack(copy: Path) -> None:
    doors = copy / "tests" / "doors"
    homes = {
        "__init__.py": copy / "pipeline/packs/doors/__init__.py",
        "rules.toml": copy / "baselines/doors/rules.toml",
        "queries": copy / "queries/doors/extract/postgresql",
    }
    for name, path in homes.items():
        path.parent.mkdir(parents=True)
        (doors / name).rename(path)
    for name, what in (("app", "from app.pages import OwnPage\n\nPAGE = OwnPage()\n"), ("data", "")):
        (copy / name / "doors").mkdir()
        (copy / name / "doors" / "__init__.py").write_text(
            f'"""The doors\' own."""\n\n{what}', encoding="utf-8"
        )
    rows = {
        "pipeline/packs/__init__.py": (
            '"merchants": "pipeline.packs.merchants"',
            '"doors": "pipeline.packs.doors"',
        ),
        "app/pages/__init__.py": ('"merchants": "app.merchants"', '"doors": "app.doors"'),
        "data/__init__.py": ('"merchants": "data.merchants.history"', '"doors": "data.doors"'),
    }
    for listing, (first, more) in rows.items():
        replace(copy / listing, first, f"{first}, {more}")
    house = python(
        copy, *PYTEST, "tests/unit/test_house.py", "-k", "same_word or entry_points or merchant_is"
    )
    assert "3 passed" in house.stdout, house.stdout[-2000:]
    listed = python(
        copy,
        "-c",
        "from pipeline.settings import load_settings; from pipeline.packs import load_pack\n"
        "settings = load_settings({'MINUTERISK_PACKS': 'doors'})\n"
        "pack = load_pack(settings.pack)\n"
        "print(pack.read_tuned(settings.rules.read_text(), 'rules.toml').forced_entry.minimum_forced_hour)\n"
        "print(sorted(path.stem for path in settings.source_queries.glob('*.sql')))",
    )
    assert listed.stdout.splitlines() == [
        "3",
        "['arrived', 'changed', 'events', 'fence', 'totals', 'without_time']",
    ], listed.stderr
    replace(homes["__init__.py"], '"forced_entry": "강제 개방", ', "")
    refused = python(copy, "-c", "import pipeline.packs.doors")
    assert "the pack doors: no word in ko for forced_entry" in refused.stderr
