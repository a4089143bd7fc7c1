"""The life of the learned score: learned, handed in, approved by another, retired. It is changed like a rule.

What was learned and how good it is nobody hands in: the program measures it. What does not beat the amount
alone and the rules cannot be handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import Parameter
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.desk.transfers.asking import actor, ask, first, start_of_change
from pipeline.errors import UsageError
from pipeline.errors.phrases import phrase, word
from pipeline.figures import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def learn(deed: Deed) -> Mapping[str, Any]:
    """Begin a version; what was learned is kept beside it by the program."""
    ask(deed, "change_rules")
    version = int(ask(deed, "insert_learned", **actor(deed)).scalar_one())
    deed.thing_id = str(version)
    deed.before, deed.after = {}, {"version": version, "status": "draft"}
    return {"version": version, "status": "draft"}


def submit(deed: Deed) -> Mapping[str, Any]:
    """Hand a version in that is better than the amount alone and the rules."""
    ask(deed, "change_rules")
    found = _found(deed, "draft")
    why_off = found["measured"].get("why_off", "nothing was learned yet")
    if why_off is not None:
        met = {"version": deed.number, "reason": word(why_off)}
        msg = phrase("the learned score {version} stays off: {reason}", **met)
        raise UsageError(msg, "report more outcomes, then learn it anew")
    ask(deed, "submit_learned", version=deed.number)
    return _became(deed, found, "submitted")


def approve(deed: Deed) -> Mapping[str, Any]:
    """Let a version count that somebody else has learned; the one before it ends."""
    start = start_of_change(deed)
    found = _found(deed, "submitted")
    if found["author_id"] is None:  # whoever learned it has an account by now, perhaps this very one
        of = {"number": deed.number, "author": found["author"]}
        msg = phrase("nobody can tell whose version {number} is: {author} had no account", **of)
        raise UsageError(msg, "learn it anew by an account")
    seen = deed.given["sha256"]
    if seen is not None and seen != found["sha256"]:
        met = {"version": deed.number, "seen": one_line(seen)[:12], "kept": found["sha256"][:12]}
        msg = phrase("the learned score {version} is not what was seen: {seen} became {kept}", **met)
        raise UsageError(msg, "look at it again, then approve what you have seen")
    ask(deed, "retire_learned", version=None, at=start)
    ask(deed, "approve_learned", version=deed.number, at=start, **actor(deed))
    return _became(deed, found, "live", start)


def retire(deed: Deed) -> Mapping[str, Any]:
    """Let the live version count no longer; what it said stays."""
    start = start_of_change(deed)
    found = _found(deed, "live")
    ask(deed, "retire_learned", version=deed.number, at=start)
    return _became(deed, found, "retired", start)


def _found(deed: Deed, wanted: str) -> Mapping[str, Any]:
    found = first(deed, "learned_model", version=deed.number)
    if found is None:
        refuse_unknown("version", deed.thing_id)
    if found["status"] != wanted:
        met = {"number": deed.number, "status": word(found["status"]), "wanted": word(wanted)}
        hint = phrase("see `minuterisk learned list`")
        raise UsageError(phrase("version {number} is {status}, not {wanted}", **met), hint)
    return found


def _became(
    deed: Deed, found: Mapping[str, Any], status: str, start: datetime | None = None
) -> dict[str, Any]:
    deed.before = {"status": found["status"]}
    deed.after = {"status": status, "sha256": found["sha256"]}
    answer: dict[str, Any] = {"version": deed.number, "status": status, "sha256": found["sha256"]}
    if start is not None:
        deed.after["from_at"] = start.isoformat()
        answer["from_at"] = start
    return answer


def _proposed_by(deed: Deed) -> int | None:
    """The account that learned a version."""
    found = first(deed, "learned_model", version=int(deed.thing_id)) if deed.thing_id.isdecimal() else None
    return None if found is None else found["author_id"]


ACTS: Final = (
    Act(name="learn_score", action="draft", kind="rules", run=learn, needs_id=False),
    Act(name="submit_learned_score", action="submit", kind="rules", run=submit),
    Act(
        name="approve_learned_score",
        action="approve",
        kind="rules",
        run=approve,
        proposed_by=_proposed_by,
        parameters={"sha256": Parameter("text", "the hash of what was seen", longest=64)},
    ),
    Act(
        name="retire_learned_score",
        action="submit",
        kind="rules",
        run=retire,
        parameters={"reason": Parameter("text", "why", required=True)},
    ),
)
