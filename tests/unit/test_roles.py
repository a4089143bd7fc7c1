"""Who may do what: the table as the specification has it, cell by cell."""

from __future__ import annotations

import pytest

from pipeline.desk.acts import ACTS
from pipeline.desk.roles import ACTIONS, ROLES, TABLE, Actor, Thing, authorize, may
from pipeline.errors import NotAllowed

#: In the order of ROLES: SUPER_ADMIN, RULE_ADMIN, AUDITOR, OPS_AGENT, RISK_ANALYST, READ_ONLY.
SPECIFIED = {
    "see": "YYYYYY",
    "export": "Y-Y-Y-",
    "handle": "Y--YY-",
    "draft": "YY--Y-",
    "submit": "YY----",
    "approve": "YY----",
    "pause": "YY-Y--",
    "deny": "YY-Y--",
    "allow": "YY----",
    "propose_money": "Y--YY-",
    "approve_money": "Y--Y--",
    "deliver": "Y--Y--",
    "check": "Y--Y--",
    "unmask": "Y-Y---",
    "read_audit": "Y-Y---",
    "read_audit:rules": "YYY---",
    "administer": "Y-----",
    "change_audit": "------",
}


def someone(role: str, **more: object) -> Actor:
    return Actor(7, "kim", role, "page", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", SPECIFIED)
@pytest.mark.parametrize("role", ROLES)
def test_every_cell_is_as_specified(cell: str, role: str) -> None:
    action, _, kind = cell.partition(":")
    allowed = SPECIFIED[cell][ROLES.index(role)] == "Y"
    assert may(someone(role), action, kind) is allowed
    if allowed:
        authorize(someone(role), action, Thing(kind or "thing", "1", proposed_by=8))
    else:
        with pytest.raises(NotAllowed, match=role):
            authorize(someone(role), action, Thing(kind or "thing", "1", proposed_by=8))


def test_the_table_has_no_other_cells_and_every_act_a_row() -> None:
    assert set(SPECIFIED) == set(TABLE)
    assert {act.action for act in ACTS.values()} <= set(ACTIONS)


def test_a_role_that_nobody_knows_may_nothing() -> None:
    assert not any(may(someone("ROOT"), action) for action in ACTIONS)


@pytest.mark.parametrize("action", ["approve", "approve_money"])
def test_nobody_approves_their_own_proposal(action: str) -> None:
    with pytest.raises(NotAllowed, match="own proposal"):
        authorize(someone("SUPER_ADMIN"), action, Thing("rules", "3", proposed_by=7))


def test_an_api_key_is_for_what_it_was_made_for() -> None:
    key = someone("SUPER_ADMIN", scope=frozenset({"see"}), credential="12")
    authorize(key, "see", Thing("incident", "1"))
    with pytest.raises(NotAllowed, match="key 12 of kim is not for handle"):
        authorize(key, "handle", Thing("incident", "1"))
