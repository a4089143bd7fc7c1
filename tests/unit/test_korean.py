"""What stands in a person's way is said in their language: no sentence of the desk is English alone."""

from __future__ import annotations

import ast
import copy
import re
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

import pytest

from baselines.rules import Bounds, IncidentRules, parse_sections
from pipeline.desk import holds, incidents, roles
from pipeline.desk.acts import ACTS
from pipeline.desk.people import own, sign_in  # with it every error of the desk is known
from pipeline.errors import MinuteriskError, UsageError, translate
from pipeline.errors.korean import KOREAN, PARTS
from pipeline.errors.phrases import Phrase, either, phrase, word
from pipeline.errors.secrets import SECRETS
from pipeline.money import TRUE_ALARM
from pipeline.packs.transfers.learned import measured
from pipeline.packs.transfers.schema import STATUSES
from pipeline.store import actions
from pipeline.tell.route_texts import Vocabulary, read_route

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CODE = ("pipeline", "app", "baselines")
#: Here every error is said to people; elsewhere those that are made of a phrase.
ALL_SAID = (
    "pipeline/desk/",
    "pipeline/tell/route_texts.py",
    "baselines/",
    "app/pages/",
    "app/door.py",
    "app/lake.py",
)
#: Functions, and which of their arguments are words or sentences of ours.
TAKES = {
    "phrase": (0,),
    "word": (0,),
    "one_end": (0,),
    "refuse_unknown": (0,),
    "_end_of_hold": (2, 4),
    "_refuse": (0, 2),
    "_refuse_unknown": (0,),
}
#: Words that stand in tables and columns.
WORDS = {
    *holds.NOUNS.values(),
    *("open", "acknowledged", "resolved", TRUE_ALARM, incidents.FALSE_ALARM),
    *actions.STATUSES,
    *("draft", "submitted", "approved", "withdrawn", "shadow", "live", "retired"),
    *(what for what, _ in translate._STORAGE_ERRORS.values()),
    *(hint for _, hint in translate._STORAGE_ERRORS.values()),
    "check the folder",  # of an errno that no table has
    *("routes", "channels"),
    *("the current password", own._EITHER),
    *("nothing was learned yet", measured.TOO_FEW, *measured.NOT_BEATEN.values()),
    *STATUSES,
    *roles.ACTIONS,
    *roles.ROLES,
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            if name.startswith(ALL_SAID) or "pipeline.errors.phrases" in text:
                yield name, ast.parse(text)


def names_of_errors(kind: type[MinuteriskError] = MinuteriskError) -> set[str]:
    """Those that are told what and hint; some make them of something else."""
    own = {kind.__name__} if kind.__init__ is MinuteriskError.__init__ else set()
    return own.union(*(names_of_errors(below) for below in kind.__subclasses__()))


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


class Room:
    """The functions of one file, and what people are told by the errors that they make."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.tree = tree
        self.functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        self.making = {f.name for f in self.functions if f.returns and "Phrase" in ast.unparse(f.returns)}
        self.said: set[str] = set()
        self.strange: list[str] = []
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and called(call) in TAKES:
                self._take(call)
        for function in self.functions:
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and self._is_error(call):
                    self._told(function, call.args[:2])

    def _take(self, call: ast.Call) -> None:
        given = [call.args[place] for place in TAKES[called(call)]]
        self.said |= {str(one.value) for one in given if isinstance(one, ast.Constant)}
        if called(call) == "phrase" and self.name != "pipeline/errors/phrases.py":
            lost = [one for one in given if not isinstance(one, ast.Constant)]
            self.strange += [f"{self.name}:{one.lineno}: {ast.unparse(one)} is no constant" for one in lost]

    def _is_error(self, call: ast.Call) -> bool:
        return called(call) in ERRORS or called(call) == "super().__init__"

    def _told(self, function: ast.FunctionDef, arguments: list[ast.expr]) -> None:
        found = [one for argument in arguments for one in self._made_of(function, argument)]
        if self.name.startswith(ALL_SAID):
            lost = [one for one in found if not self._is_known(one)]
            self.strange += [f"{self.name}:{one.lineno}: {ast.unparse(one)}" for one in lost]
        elif not any(isinstance(one, ast.Call) and called(one) == "phrase" for one in found):
            return  # it is no error that people meet in a language of theirs
        self.said |= {str(one.value) for one in found if isinstance(one, ast.Constant) and one.value}

    def _made_of(self, function: ast.FunctionDef, value: ast.expr) -> Iterator[ast.expr]:
        """The expressions that a sentence may be: of both branches, and of each assignment to a name."""
        if isinstance(value, ast.IfExp):
            yield from self._made_of(function, value.body)
            yield from self._made_of(function, value.orelse)
        elif isinstance(value, ast.Name):
            given = [
                node.value
                for node in (*ast.walk(function), *self.tree.body)
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == value.id
            ]
            for one in given:
                yield from self._made_of(function, one)
            # What such a function is handed is looked at where it is called.
            if not given and function.name not in TAKES:
                yield value
        else:
            yield value

    def _is_known(self, one: ast.expr) -> bool:
        return (
            isinstance(one, ast.Constant)
            or (isinstance(one, ast.Call) and (called(one) == "phrase" or called(one) in self.making))
            or ast.unparse(one) in ("error.what", "error.hint")  # the same, under another name
        )


ERRORS = names_of_errors()
ROOMS = [Room(name, tree) for name, tree in sources()]


def sentences() -> set[str]:
    """All that a person may be told, as the templates that the code has."""
    acts = list(ACTS.values())
    given = {
        text
        for act in acts
        for name, parameter in act.parameters.items()
        for text in (name, word(parameter.text).template)
    }
    return {"{one} or {others}", *WORDS, *given, *(act.kind for act in acts)}.union(
        *(room.said for room in ROOMS)
    )


def test_each_sentence_is_made_so_that_its_korean_one_is_found() -> None:
    assert [one for room in ROOMS for one in room.strange] == []
    assert sign_in.NotSignedIn.__name__ in ERRORS


def test_each_sentence_has_a_korean_one_and_none_is_left_over() -> None:
    said = sentences()
    assert sorted(said - set(KOREAN)) == []
    assert sorted(set(KOREAN) - said) == []
    assert len(KOREAN) == sum(len(part) for part in PARTS), "one is there twice"


def test_both_hold_the_same() -> None:
    for english, korean in KOREAN.items():
        assert fields(korean) == fields(english), english
        assert all(re.fullmatch("[a-z]+", name) for name, *_ in fields(english)), f"no plain name: {english}"
        assert commands(korean) == commands(english), english


def test_a_korean_sentence_is_one_whatever_its_values_are() -> None:
    """Nobody knows the last letter of a value, so no particle depends on it; whoever shows it ends it."""
    particle = re.compile(r"\}'?(은|는|이|가|을|를|과|와|으로|로|라는|이라는)(?![가-힣(])")
    for korean in KOREAN.values():
        assert re.search("[가-힣]", korean), korean
        assert not korean.endswith((".", " ")), korean
        assert not particle.search(korean), korean


def fields(template: str) -> list[tuple[str, str, str]]:
    """The fields with their formats, by name: languages have them in orders of their own."""
    found = Formatter().parse(template) if "{" in template else ()
    return sorted((name, shape or "", sort or "") for _, name, shape, sort in found if name is not None)


def commands(template: str) -> list[str]:
    """What people type or set stays as it is."""
    return sorted(re.findall(r"`[^`]+`|MINUTERISK_[A-Z_]+|--[a-z-]+", template))


def test_the_text_is_english_and_its_values_are_kept() -> None:
    error = UsageError(
        phrase("incident {number} is not resolved: it is {status}", number=7, status=word("acknowledged")),
        "give its number or name",
    )
    assert error.what == "incident 7 is not resolved: it is acknowledged"
    assert str(error) == f"{error.what}\n  next: give its number or name"
    assert error.in_language("en") == (error.what, error.hint)
    korean = ("사건 7: 해소된 사건이 아닙니다 (지금 상태: 확인됨)", "번호나 이름을 입력하세요")
    assert error.in_language("ko") == korean
    assert copy.copy(UsageError(error.what, error.hint)).in_language("ko") == korean


def test_what_has_no_korean_sentence_stays_english_as_a_whole() -> None:
    error = UsageError(phrase("the shop {name} is {status}", name="A", status=word("open")), "look")
    assert error.in_language("ko") == ("the shop A is open", "look")


def test_one_of_several_words_is_named_in_each_language() -> None:
    asked = UsageError(phrase("ask one who is {roles}", roles=either(["A", "B", "C"])))
    assert asked.what == "ask one who is A or B or C"
    assert asked.in_language("ko")[0] == "다음 역할의 사람에게 요청하세요: A 또는 B 또는 C"


@pytest.mark.parametrize(
    "value",
    ["{0.__class__}", "{name}", "{{}}", "%s", "draft", "give a later end", "<b>`x`</b>", "\\N{BEL}"],
)
def test_a_value_from_outside_stays_as_it_was_given(value: str) -> None:
    """It is no template, and no word of ours, whatever it looks like."""
    error = UsageError(phrase("there is no account {name}", name=value), value)
    assert error.what == f"there is no account {value}"
    assert error.in_language("ko")[0] == f"{value}(이)라는 계정은 없습니다"
    quoted = UsageError(phrase("there is no rule {rule!r}", rule=value))
    assert quoted.in_language("ko")[0] == f"{value!r}(이)라는 규칙은 없습니다"


def test_no_language_shows_a_secret() -> None:
    SECRETS.learn("tiger-lily-77")
    try:
        inner = phrase("there is no account {name}", name="tiger-lily-77")
        error = UsageError(
            phrase("cannot write {path}: {what}", path="postgresql://a:tiger-lily-77@b", what=inner),
            phrase("see `minuterisk rules list`"),
        )
        for language in ("ko", "en"):
            assert "tiger" not in "".join(error.in_language(language))
        assert isinstance(error.what, Phrase)
        assert "tiger" not in repr(error.what.values)
        SECRETS.learn("north-sea south-sea")  # only the whole sentence shows it
        split = UsageError(phrase("there is no {what} {number}", what="north-sea", number="south-sea"))
        assert "south" not in split.what + split.in_language("ko")[0]
    finally:
        SECRETS.forget()


def test_what_is_wrong_in_a_text_is_said_with_the_place_where_it_stands() -> None:
    with pytest.raises(UsageError) as refused:
        read_route({"name": "x", "channel": "#risk"}, Vocabulary())
    assert refused.value.in_language("ko")[0] == "경로 x의 채널 값이 '#risk'입니다"
    section = {"incident": IncidentRules}
    with pytest.raises(UsageError) as refused:
        parse_sections("[incident]\nfactor = 3", word("the draft"), section, Bounds(shipped="rules.toml"))
    assert refused.value.what == "unknown name 'factor' in [incident] of the draft"
    assert refused.value.in_language("ko")[0] == "초안의 [incident]에 모르는 이름 'factor'이(가) 있습니다"
