"""The life of an event rule: draft, submitted, shadow, live, retired; and pauses, which need no approval.

A version never changes. It goes live when somebody other than its author approves exactly this text, seen
with exactly this backtest. What judges when stands in spans of the events' own time.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from pipeline.desk.given import PAUSE, WHY, Parameter, one_end
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.desk.rules import LONGEST_PAUSE
from pipeline.desk.transfers.asking import actor, ask, first, rows, start_of_change
from pipeline.errors import UsageError
from pipeline.errors.phrases import either, phrase, word
from pipeline.figures import moment, one_line
from pipeline.packs.transfers.language import parse
from pipeline.packs.transfers.language.strict import MOST_BYTES
from pipeline.packs.transfers.language.words import MOST_MEASURES_IN_FORCE
from pipeline.packs.transfers.ruleset import ALLOW, DENY, LIVE, PAUSED, SHADOW, timeline_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.packs.transfers.language import RuleText

DRAFT: Final = "draft"
SUBMITTED: Final = "submitted"
RETIRED: Final = "retired"
WITHDRAWN: Final = "withdrawn"
_VERSION: Final = re.compile(r"([A-Z][A-Z0-9_]{0,63})/([1-9][0-9]{0,8})")


def draft(deed: Deed) -> Mapping[str, Any]:
    """Write a version of a rule down; the rule's name stands in it."""
    ask(deed, "change_rules")
    rule = _read(deed, deed.given["json"])
    newest = first(deed, "event_rule", rule=rule.rule, version=None)
    if newest is not None and newest["sha256"] == rule.sha256 and not _may_come_again(deed, newest):
        met = {"rule": rule.rule, "version": newest["version"]}
        msg = phrase("it says the same as version {version} of {rule}", **met)
        raise UsageError(msg, "change what it asks, or leave it as it is")
    said = {"reason": deed.given["reason"], "author": deed.actor.name, "author_id": deed.actor.account_id}
    text = {"content": rule.canonical, "sha256": rule.sha256, "status": DRAFT}
    version = int(ask(deed, "insert_event_rule", rule=rule.rule, **text, **said).scalar_one())
    deed.thing_id = f"{rule.rule}/{version}"
    deed.before = {} if newest is None else _identity(newest)
    deed.after = {"version": version, "sha256": rule.sha256, "status": DRAFT}
    return {"rule": rule.rule, "version": version, "sha256": rule.sha256, "status": DRAFT}


def _may_come_again(deed: Deed, newest: Mapping[str, Any]) -> bool:
    """One that judges no longer, or that nobody can approve as its author had no account."""
    ownerless = newest["author_id"] is None and deed.actor.account_id is not None
    return newest["status"] == RETIRED or (ownerless and newest["status"] != LIVE)


def submit(deed: Deed) -> Mapping[str, Any]:
    """Hand a draft in: from now on it stays as it is, and a running service measures it."""
    found = _locked(deed)
    _require(found, DRAFT)
    _read(deed, found["content"])
    ask(deed, "submit_event_rule", **_key(found), **actor(deed))
    return _became(deed, found, SUBMITTED)


def shadow(deed: Deed) -> Mapping[str, Any]:
    """Let a version judge without telling anybody; another one in the rule's shadow ends."""
    found, start = _started(deed)
    _require(found, SUBMITTED)
    _require_room(deed, found, start)
    ask(deed, "end_rule_spans", rule=found["rule"], version=None, mode=SHADOW, at=start)
    ask(deed, "retire_others", **_key(found), status=SHADOW)
    _begin(deed, found, SHADOW, start)
    _say_warm(deed, found, start)
    return _became(deed, found, SHADOW, start)


def approve(deed: Deed) -> Mapping[str, Any]:
    """Let what somebody else wrote be live, as it was seen: this text, with this backtest."""
    found, start = _started(deed)
    _require(found, SUBMITTED, SHADOW)
    _refuse_own(deed, found)
    _require_seen(deed, found)
    _require_room(deed, found, start)
    seen = {"sha256": found["sha256"], "backtest_sha256": found["backtest_sha256"]}
    ask(deed, "approve_event_rule", **_key(found), **seen, **actor(deed))
    ask(deed, "end_rule_spans", rule=found["rule"], version=None, mode=LIVE, at=start)
    ask(deed, "end_rule_spans", **_key(found), mode=SHADOW, at=start)
    retired = ask(deed, "retire_others", **_key(found), status=LIVE).scalars().all()
    _begin(deed, found, LIVE, start)
    _say_warm(deed, found, start)
    answer = _became(deed, found, LIVE, start)
    deed.before = {"status": found["status"], "live": retired[0] if retired else None}
    deed.after = {**(deed.after or {}), **seen}
    return {**answer, **seen}


def retire(deed: Deed) -> Mapping[str, Any]:
    """Let a version judge no longer; what it found stays."""
    found, start = _started(deed)
    _require(found, LIVE, SHADOW)
    ask(deed, "end_rule_spans", **_key(found), mode=found["status"], at=start)
    return _became(deed, found, RETIRED, start)


def withdraw(deed: Deed) -> Mapping[str, Any]:
    """Take a version back that has judged nothing."""
    found = _locked(deed)
    _require(found, DRAFT, SUBMITTED)
    return _became(deed, found, WITHDRAWN)


def backtest(deed: Deed) -> Mapping[str, Any]:
    """Ask what a version would have done in 30 days; a running service measures it, nobody hands it in."""
    found = _locked(deed)
    _require(found, DRAFT, SUBMITTED, SHADOW)
    ask(deed, "ask_event_backtest", **_key(found))
    deed.after = {"asked": "backtest"}
    return {**_key(found), "status": found["status"]}


def pause(deed: Deed) -> Mapping[str, Any]:
    """Let a rule find nothing until a moment, whichever version is live; its shadow goes on."""
    start = start_of_change(deed)
    live, zone = _live(deed), deed.desk.zone
    same = first(deed, "rule_paused", rule=deed.thing_id, at=start)
    if same is not None:
        met = {"rule": deed.thing_id, "until": moment(same["until_at"], zone), "by": one_line(same["by"])}
        msg = phrase("{rule} is paused already, until {until}, by {by}", **met)
        raise UsageError(msg, phrase("`minuterisk event-rules resume {rule}` ends it", rule=deed.thing_id))
    end = one_end("a pause", start, deed.given["for"], deed.given["until"], LONGEST_PAUSE)
    if not start < end <= start + LONGEST_PAUSE:
        asked = {"start": moment(start, zone), "end": moment(end, zone)}
        msg = phrase("a pause from {start} until {end} is not taken", **asked)
        latest = moment(start + LONGEST_PAUSE, zone)
        raise UsageError(
            msg, phrase("it ends by {latest}; whoever wants more changes the rule", latest=latest)
        )
    _begin(deed, live, PAUSED, start, end)
    span = {"from_at": start, "until_at": end}
    deed.before, deed.after = {}, {name: at.isoformat() for name, at in span.items()}
    return {"rule": deed.thing_id, **span}


def resume(deed: Deed) -> Mapping[str, Any]:
    """End a pause before its time."""
    start = start_of_change(deed)
    _require_rule(deed)
    if not ask(deed, "end_rule_spans", rule=deed.thing_id, version=None, mode=PAUSED, at=start).all():
        msg = phrase("{rule} is not paused", rule=deed.thing_id)
        raise UsageError(msg, "`minuterisk event-rules list` shows what is")
    deed.before, deed.after = {"paused": True}, {"paused": False, "from_at": start.isoformat()}
    return {"rule": deed.thing_id, "from_at": start}


def version_of(name: str) -> tuple[str, int]:
    """RULE/VERSION as its parts. Raises UsageError."""
    found = _VERSION.fullmatch(name)
    if found is None:
        msg = phrase("{name!r} is no version of an event rule", name=name)
        raise UsageError(msg, "write it as RULE/VERSION, such as HIGH_VALUE/2")
    return found[1], int(found[2])


def _locked(deed: Deed) -> Mapping[str, Any]:
    ask(deed, "change_rules")
    return _version(deed)


def _started(deed: Deed) -> tuple[Mapping[str, Any], datetime]:
    """The version, locked, and the moment from which the change counts."""
    start = start_of_change(deed)
    return _version(deed), start


def _version(deed: Deed) -> Mapping[str, Any]:
    rule, version = version_of(deed.thing_id)
    found = first(deed, "event_rule", rule=rule, version=version)
    if found is None:
        refuse_unknown("version", deed.thing_id)
    return found


def _key(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"rule": found["rule"], "version": found["version"]}


def _identity(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("version", "sha256", "status")}


def _begin(
    deed: Deed, found: Mapping[str, Any], mode: str, start: datetime, end: datetime | None = None
) -> None:
    why = {"by": deed.actor.name, "reason": deed.given.get("reason") or found.get("reason") or mode}
    ask(deed, "begin_rule_span", **_key(found), mode=mode, from_at=start, until_at=end, **why)


def _say_warm(deed: Deed, found: Mapping[str, Any], start: datetime) -> None:
    """A version that asks only what others ask already, or nothing, has no windows to wait for."""
    warm = {m for row in rows(deed, "warm_event_rules") for m in parse(row["content"]).measures.values()}
    if warm.issuperset(parse(found["content"]).measures.values()):
        ask(deed, "mark_filled", rules=[found["rule"]], versions=[found["version"]], at=start)


def _became(
    deed: Deed, found: Mapping[str, Any], status: str, start: datetime | None = None
) -> dict[str, Any]:
    """Say in the audit what the version is from now on, and give the answer."""
    if status != SUBMITTED:
        ask(deed, "set_event_rule_status", **_key(found), status=status)
    deed.before = {"status": found["status"]}
    deed.after = {"status": status, "sha256": found["sha256"]}
    if start is not None:
        deed.after["from_at"] = start.isoformat()
    return {**_key(found), "status": status} | ({} if start is None else {"from_at": start})


def _require(found: Mapping[str, Any], *wanted: str) -> None:
    if found["status"] in wanted:
        return
    met = {"number": _named(found), "status": word(found["status"]), "wanted": either(wanted)}
    hint = phrase("see `minuterisk event-rules list`")
    if found["status"] == DRAFT:
        hint = phrase("hand it in first: `minuterisk event-rules submit {rule} {version}`", **_key(found))
    raise UsageError(phrase("version {number} is {status}, not {wanted}", **met), hint)


def _named(found: Mapping[str, Any]) -> str:
    return f"{found['rule']}/{found['version']}"


def _require_seen(deed: Deed, found: Mapping[str, Any]) -> None:
    """Whoever approves has seen the backtest that is kept, and the text it was made of."""
    if found["backtest"] is None:
        msg = phrase("nobody knows yet what version {number} would have done", number=_named(found))
        hint = phrase(
            "`minuterisk event-rules backtest {rule} {version}` finds out, or a running service",
            **_key(found),
        )
        raise UsageError(msg, hint)
    for name, kept in (("sha256", found["sha256"]), ("backtest_sha256", found["backtest_sha256"])):
        seen = deed.given[name]
        if seen is not None and seen != kept:
            met = {"number": _named(found), "seen": one_line(seen)[:12], "kept": kept[:12]}
            msg = phrase("version {number} is not what was seen: {seen} became {kept}", **met)
            raise UsageError(msg, "look at it again, then approve what you have seen")


def _refuse_own(deed: Deed, found: Mapping[str, Any]) -> None:
    for what in ("author", "submitted_by"):
        number = found[f"{what}_id"]
        if number is None:  # whoever wrote it has an account by now, perhaps this very one
            of = {"number": _named(found), "author": found[what]}
            msg = phrase("nobody can tell whose version {number} is: {author} had no account", **of)
            raise UsageError(msg, "draft it again by an account")
        if found[what] == deed.actor.name or number == deed.actor.account_id:
            msg = phrase("version {number} is {name}'s own", number=_named(found), name=deed.actor.name)
            raise UsageError(msg, "somebody else has to approve it")


def _read(deed: Deed, text: str) -> RuleText:
    """A rule; a list that nobody has ever put anything on is more often a slip than a list."""
    return parse(text, {ALLOW, DENY, *ask(deed, "known_lists").scalars()})


def _require_room(deed: Deed, found: Mapping[str, Any], start: datetime) -> None:
    """Everything in force together may ask so much, and no more."""
    spans = rows(deed, "rules_in_force", since=start)
    others = [row for row in spans if row["rule"] != found["rule"] and row["mode"] != PAUSED]
    ours = {**_key(found), "content": found["content"], "mode": LIVE, "from_at": start, "until_at": None}
    asked = timeline_of([*others, ours], []).measures(start)
    if len(asked) > MOST_MEASURES_IN_FORCE:
        met = {"number": _named(found), "asked": len(asked), "most": MOST_MEASURES_IN_FORCE}
        msg = phrase("with version {number} the rules ask {asked} measures, more than {most}", **met)
        raise UsageError(msg, "retire a rule, or ask what others ask already")


def _require_rule(deed: Deed) -> None:
    known = ask(deed, "event_rule_names").scalars().all()
    if deed.thing_id not in known:
        near = difflib.get_close_matches(deed.thing_id, known, 1)
        msg = phrase("there is no rule {rule!r}", rule=deed.thing_id)
        see = phrase("see `minuterisk event-rules list`")
        raise UsageError(msg, phrase("did you mean {near}?", near=near[0]) if near else see)


def _live(deed: Deed) -> Mapping[str, Any]:
    _require_rule(deed)
    found = first(deed, "live_event_rule", rule=deed.thing_id)
    if found is None:
        msg = phrase("no version of {rule} is live", rule=deed.thing_id)
        raise UsageError(msg, phrase("see `minuterisk event-rules list`"))
    return found


def _is_author(deed: Deed) -> bool:
    """Is it a draft of the actor's own?"""
    named = _VERSION.fullmatch(deed.thing_id)
    if deed.actor.account_id is None or deed.actor.scope is not None or named is None:
        return False
    found = first(deed, "event_rule", rule=named[1], version=int(named[2]))
    return found is not None and found["status"] == DRAFT and found["author_id"] == deed.actor.account_id


def _proposed_by(deed: Deed) -> int | None:
    """The account that handed a version in."""
    named = _VERSION.fullmatch(deed.thing_id)
    if named is None:
        return None
    found = first(deed, "event_rule", rule=named[1], version=int(named[2]))
    return None if found is None else found["submitted_by_id"]


_SEEN: Final = Parameter("text", "the hash of what was seen", longest=64)

ACTS: Final = (
    Act(
        name="draft_event_rule",
        action="draft",
        kind="rules",
        run=draft,
        needs_id=False,
        parameters={
            "json": Parameter("text", "an event rule as JSON", required=True, longest=MOST_BYTES),
            "reason": WHY,
        },
    ),
    Act(name="submit_event_rule", action="submit", kind="rules", run=submit),
    Act(name="shadow_event_rule", action="submit", kind="rules", run=shadow),
    Act(
        name="approve_event_rule",
        action="approve",
        kind="rules",
        run=approve,
        proposed_by=_proposed_by,
        parameters={"sha256": _SEEN, "backtest_sha256": _SEEN},
    ),
    Act(
        name="retire_event_rule",
        action="submit",
        kind="rules",
        run=retire,
        parameters={"reason": WHY},
    ),
    Act(name="withdraw_event_rule", action="submit", kind="rules", run=withdraw, own=_is_author),
    Act(name="backtest_event_rule", action="draft", kind="rules", run=backtest),
    Act(
        name="pause_event_rule",
        action="pause",
        kind="rules",
        run=pause,
        parameters=PAUSE,
    ),
    Act(name="resume_event_rule", action="pause", kind="rules", run=resume),
)
