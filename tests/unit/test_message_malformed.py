"""A row of the outbox that holds no message is refused by the name of what is wrong in it."""

from __future__ import annotations

import pytest

from pipeline.tell.message import MessageMalformed
from tests.unit.test_message import MOVED, SAID, SURGE, message


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event", "exploded"),
        ("rule", "other"),
        ("severity", None),
        ("tier", 1.5),
        ("minute", "2026-11-21T09:03:00"),
        ("opened_minute", "yesterday"),
        ("at_risk", "12"),
        ("at_risk", True),
        ("parts", {"paid_out_cancelable": 1.0}),
        ("entity_id", None),
        ("entity_name", ["x"]),
        ("reason", None),
        ("reason", {**SURGE, "cancels_hour": None}),
        ("reason", {**SURGE, "cancels_hour": float("nan")}),
    ],
)
def test_what_is_not_a_message_is_refused_by_the_name_of_its_field(field: str, value: object) -> None:
    inner = field
    if isinstance(value, dict):
        inner = "cancels_hour" if field == "reason" else "paid_out_cancelable"
    with pytest.raises(MessageMalformed, match=inner):
        message(**{field: value})


@pytest.mark.parametrize(
    ("event", "said", "field"),
    [
        ("noted", None, "said"),
        ("snoozed", {"until": "soon", "limit": 1}, "until"),
        ("snoozed", {"until": MOVED["until"]}, "limit"),
        ("labelled", {"label": "perhaps", "reason": "?"}, "label"),
        ("action", {**SAID["action"], "status": "burnt"}, "status"),
        ("action", {**SAID["action"], "amount": 1.5}, "amount"),
        ("action", {**SAID["action"], "until": "soon"}, "until"),
        ("broke_through", {**MOVED, "severity": "dreadful"}, "severity"),
    ],
)
def test_an_act_that_does_not_say_what_it_must_is_refused_too(event: str, said: object, field: str) -> None:
    with pytest.raises(MessageMalformed, match=field):
        message(event=event, said=said)


@pytest.mark.parametrize(
    ("figures", "field"),
    [
        (["x"], "figures"),
        ({"expected_loss": 1.5}, "expected_loss"),
        ({"next_payout_date": "tomorrow"}, "next_payout_date"),
    ],
)
def test_a_figure_that_is_none_is_refused_by_its_name(figures: object, field: str) -> None:
    with pytest.raises(MessageMalformed, match=field):
        message(figures=figures)
