"""The call to the company's systems, over a receiver that does everything that a receiver can do."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data.action_standin import CUT, DRIP, FLOOD, NONSENSE, OLDEST_S, SILENT, TAKEN_BUT_CUT, Standin
from pipeline.act.receiver import Receiver
from pipeline.act.signing import SIGNATURE, TIMESTAMP, signature
from pipeline.tell.slack import DeliveryError, NotPosted, PerhapsPosted, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "a secret that both sides know, and nobody else"
BODY = '{"event": "action.approved", "entity_id": "가맹점"}'.encode()
README = Path(__file__).resolve().parents[2] / "pipeline" / "act" / "README.md"


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(SECRET) as standin:
        yield standin


def failure(receiver: Receiver) -> DeliveryError | None:
    found: DeliveryError | None = None
    try:
        receiver.send("key", BODY)
    except DeliveryError as error:
        found = error
    if found is not None:
        assert SECRET not in f"{found} {found.hint}"
        assert (found.__cause__, found.__context__) == (None, None)
    return found


def test_what_is_sent_is_known_as_ours_and_taken_once_whatever_is_tried(standin: Standin) -> None:
    receiver = Receiver(standin.url, SECRET)
    standin.plan.extend([TAKEN_BUT_CUT, 500, 202, 200])
    found = [failure(receiver) for _ in range(4)]
    assert [type(one) for one in found] == [PerhapsPosted, PerhapsPosted, type(None), type(None)]
    assert [one.content["entity_id"] for one in standin.taken] == ["가맹점"]
    assert standin.calls == [("key", BODY)] * 4
    assert standin.refused == []


@pytest.mark.parametrize(
    ("planned", "kind"),
    [
        ((429, {"Retry-After": "30"}), NotPosted),
        ((503, {"Retry-After": "soon"}), NotPosted),
        (409, NotPosted),
        (404, Refused),
        ((302, {"Location": "http://169.254.169.254/latest"}), Refused),
        (500, PerhapsPosted),
        (CUT, PerhapsPosted),
        (SILENT, PerhapsPosted),
        (DRIP, PerhapsPosted),
        (NONSENSE, PerhapsPosted),
    ],
)
def test_every_answer_has_its_meaning_and_none_holds_us_up(
    standin: Standin, planned: int | str | tuple[int, dict[str, str]], kind: type[DeliveryError]
) -> None:
    standin.plan.append(planned)
    began = time.monotonic()
    found = failure(Receiver(standin.url, SECRET, timeout_s=0.4))
    assert type(found) is kind
    assert time.monotonic() - began < OLDEST_S  # it ends by itself; how fast, no test says
    assert len(standin.calls) == 1  # nothing was followed, and nothing tried twice


def test_an_answer_without_an_end_is_an_answer(standin: Standin) -> None:
    standin.plan.append(FLOOD)
    assert failure(Receiver(standin.url, SECRET, timeout_s=2)) is None


def test_nobody_there_is_no_try(standin: Standin) -> None:
    with Standin(SECRET) as gone:
        url = gone.url
    assert type(failure(Receiver(url, SECRET))) is NotPosted
    assert type(failure(Receiver("http://localhost:1/", SECRET))) is NotPosted
    plain = failure(Receiver(standin.url.replace("http:", "https:"), SECRET))
    assert isinstance(plain, NotPosted | PerhapsPosted)  # it speaks no TLS


@pytest.mark.parametrize(
    ("secret", "late_s"), [("another secret, of about the same length", 0), (SECRET, 400)]
)
def test_another_key_and_an_old_call_are_refused(standin: Standin, secret: str, late_s: int) -> None:
    found = failure(Receiver(standin.url, secret, clock=lambda: time.time() - late_s))
    assert isinstance(found, Refused)
    assert "MINUTERISK_ACTION_SECRET" in found.hint
    assert standin.taken == []


def test_the_documents_example_knows_what_is_ours() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 - our own document
    now = 1_773_115_200
    headers = {TIMESTAMP: str(now), SIGNATURE: signature(SECRET, now, BODY)}

    def problem(body: bytes = BODY, at: float = now, changes: dict[str, str] | None = None) -> str | None:
        found: str | None = scope["problem"](SECRET, headers | (changes or {}), body, at)
        return found

    assert problem() is None
    assert problem(at=now + 299) is None
    assert problem(at=now + 301) == problem(at=now - 301) == "the time is not of now"
    assert problem(BODY + b" ") == "the signature is not ours"
    assert problem(changes={TIMESTAMP: str(now + 1)}) == "the signature is not ours"
    assert problem(changes={TIMESTAMP: "", SIGNATURE: ""}) == "the time is not of now"
    assert problem(changes={SIGNATURE: headers[SIGNATURE].replace("v1", "v0")}) == "the signature is not ours"
