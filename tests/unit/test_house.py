"""The house: who may speak of what, how large a room may be, and that everything which is named exists."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from app.pages import PAGES
from data import SIMULATORS
from pipeline.packs import PACKS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CODE = ("pipeline", "baselines", "app", "data")
#: Words of merchants and their payments. The engine knows none of them. People approve what others propose:
#: the verb is the engine's too, the noun and the approved amount or time are not.
WORDS = re.compile(
    r"merchant|approval|approved_a|approved amount|cancel(?!led_at_all)|payout|paid_out|settled_through|surge"
    r"|volume_drop|_drop\b|krw|categor|cohort|platform_outage|platform_cancels|\btrade|가맹점",
    re.IGNORECASE,
)
#: What looks like one of them and is none, each with its reason. This may only shrink.
NONE_OF_THEM = {
    "pipeline/amounts.py": r"KRW",  # ISO 4217
    "pipeline/settings.py": r"KRW|trade_url",  # the same; a setting that installations have
    "pipeline/errors/secrets.py": r"category|\btrade\b",  # Python's warnings; no secret is called so
    "pipeline/replay/report.py": r"\"category\"",  # Plotly's word for an axis of names
    "pipeline/source/postgresql.py": r"cancel_safe",  # psycopg ends a query by it
    "pipeline/source/postgresql_session.py": r"adbc_cancel",  # ADBC does
    "pipeline/errors/causes.py": r"CANCELLED",  # a status of ADBC
    "pipeline/figures.py": r"KRW|unicodedata\.category|categories C",  # ISO 4217; Unicode
    "app/pages/statistics/counted.py": r"\"category\"",  # Plotly's word for an axis of names
    "app/markup.py": r"unicodedata\.category",  # Unicode
}
#: Where the packs stand by name.
LISTS = (
    "pipeline/packs/__init__.py",
    "pipeline/commands/__init__.py",
    "pipeline/online/__init__.py",
    "app/pages/__init__.py",
    "data/__init__.py",
)
MOST_FILES, MOST_LINES, LONGEST_FUNCTION = 20, 500, 70


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))
    yield ROOT / "scheduler.py"


#: Where a pack has a folder of its name; nowhere else.
HOMES = (
    "pipeline/packs",
    "pipeline/commands",
    "pipeline/desk",
    "pipeline/online",
    "baselines",
    "queries",
    "app",
    "data",
)


def of_a_pack(path: Path) -> bool:
    return any((ROOT / home / name) in path.parents for home in HOMES for name in PACKS)


def schema_history(path: Path) -> bool:
    """Migrations say what was; the newest ones speak of packs."""
    return "schema" in path.parts


def test_the_engine_does_not_know_what_a_merchant_is() -> None:
    files = [
        *sources(*CODE),
        *(ROOT / "queries" / "ops").rglob("*.sql"),
        *(
            path
            for room in ("session", "inspect", "connect")
            for path in (ROOT / "queries" / room).rglob("*.sql")
        ),
    ]
    found = []
    for path in files:
        name = path.relative_to(ROOT).as_posix()
        if of_a_pack(path) or schema_history(path) or name in LISTS:
            continue
        allowed = NONE_OF_THEM.get(name)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            said = re.sub(allowed, "", line) if allowed else line
            if WORDS.search(said):
                found.append(f"{name}:{number}: {line.strip()}")
    assert found == []


def test_every_exception_is_still_needed() -> None:
    idle = [
        name
        for name, allowed in NONE_OF_THEM.items()
        for part in allowed.split("|")
        if not re.search(part, (ROOT / name).read_text(encoding="utf-8"))
    ]
    assert idle == []


def test_a_pack_is_the_same_word_in_every_folder() -> None:
    assert set(PAGES) == set(PACKS)
    assert set(SIMULATORS) == set(PACKS)
    for folder in ("pipeline/packs", "baselines", "queries", "app", "data"):
        missing = [name for name in PACKS if not (ROOT / folder / name).is_dir()]
        assert missing == [], folder
    packs = {
        path.name for path in (ROOT / "pipeline" / "packs").iterdir() if (path / "__init__.py").is_file()
    }
    assert packs == set(PACKS)


def test_only_the_entry_points_name_a_pack() -> None:
    homes = r"\b(?:packs|baselines|app|data)"
    named = re.compile("|".join(rf"{homes}\.{name}\b|from \S*{homes} import .*\b{name}\b" for name in PACKS))
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sources(*CODE)
        if not of_a_pack(path)
        and path.relative_to(ROOT).as_posix() not in LISTS
        and "commands" not in path.parts
        and named.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_room_is_too_large_to_enter() -> None:
    folders = {path.parent for path in sources(*CODE) if path.parent != ROOT}
    large = {f.relative_to(ROOT).as_posix(): len(list(f.glob("*.py"))) for f in folders}
    assert {name: files for name, files in large.items() if files > MOST_FILES} == {}
    long = {
        p.relative_to(ROOT).as_posix(): p.read_text(encoding="utf-8").count("\n")
        for p in sources(*CODE, "tests")
    }
    assert {name: lines for name, lines in long.items() if lines > MOST_LINES} == {}


def test_no_function_is_too_long_to_read() -> None:
    long = []
    for path in sources(*CODE, "tests"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path.relative_to(ROOT)}:{node.name} {lines}")
    assert long == []


def test_every_query_that_is_named_exists() -> None:
    missing = []
    for path in (*sources(*CODE, "queries"), *ROOT.rglob("*.md")):
        if ".venv" in path.parts:
            continue
        for name in re.findall(r"""\bsql\(["']([\w/]+)["']\)""", path.read_text(encoding="utf-8")):
            missing += [] if (ROOT / "queries" / f"{name}.sql").is_file() else [f"{path.name}: {name}"]
    assert missing == []


def test_every_file_that_documents_name_exists() -> None:
    known = {path.name for folder in (*CODE, "queries", "tests") for path in (ROOT / folder).rglob("*.*")}
    known |= {path.name for path in ROOT.iterdir()}
    known |= {"ticket_size.py", "test_ticket_size.py"}  # CONTRIBUTING's example, in ticket_size.patch
    missing = []
    for path in (*sources(*CODE), *ROOT.glob("*.md"), *(p for f in CODE for p in (ROOT / f).rglob("*.md"))):
        if path.name == "CHANGELOG.md":  # it says what was
            continue
        for name in re.findall(r"(?<![\w*<{./-])((?:[\w]+/)*[a-z_]\w*\.py)\b", _prose(path)):
            missing += [] if name.rpartition("/")[2] in known else [f"{path.relative_to(ROOT)}: {name}"]
    assert missing == []


def _prose(path: Path) -> str:
    """A document, or the docstrings and comments of a module."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return content
    comments = re.findall(r"#.*", content)
    nodes = [
        n for n in ast.walk(ast.parse(content)) if isinstance(n, ast.Module | ast.ClassDef | ast.FunctionDef)
    ]
    return "\n".join([*comments, *(ast.get_docstring(node) or "" for node in nodes)])


def test_the_readme_lists_the_pure_rooms_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    pure = next(c for c in contracts if c["name"].startswith("Pure"))["source_modules"]
    said = (ROOT / "pipeline" / "README.md").read_text(encoding="utf-8")
    paragraph = said[said.index("**Pure**") :].partition("\n\n")[0]
    missing = [
        m for m in pure if m.removeprefix("pipeline.").replace(".", "/") not in paragraph.replace(".py", "")
    ]
    assert missing == []
