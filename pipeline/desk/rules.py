"""What people do with tuned numbers: write a version, hand it in, let it be in force, and pause a rule.

A change is in force from the minute after the next one that is judged, at the earliest: the next one may be
at work already. So every minute was judged by what is kept as in force at it.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

from baselines.edit import completed, numbers_of, shown, with_number, without_number
from pipeline.desk.given import PAUSE, WHY, Parameter, one_end
from pipeline.desk.incidents import refuse_unknown
from pipeline.desk.perform import Act, Deed
from pipeline.errors import UsageError
from pipeline.errors.phrases import either, phrase, word
from pipeline.figures import moment, one_line
from pipeline.minute import DAY_MINUTES, MINUTE, floor_minute
from pipeline.packs import load_pack
from pipeline.store.rules import read_rules_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from baselines.edit import Path

#: Whoever wants a rule off for longer changes it.
LONGEST_PAUSE: Final = 7 * DAY_MINUTES * MINUTE
_LONGEST_TEXT: Final = 200_000
_WHOLE: Final = re.compile(r"-?[0-9][0-9_]{0,30}")


def draft(deed: Deed) -> Mapping[str, Any]:
    """Write a version down: a whole text, or some numbers changed in another version."""
    deed.state.ask(deed.connection, "lock_rules")
    newest = _newest(deed)
    base = _version(deed, deed.given["parent"]) if deed.given["parent"] else newest
    text, whole = _readable(deed, base), deed.given["numbers"]
    text = f"{whole}\n" if whole else text
    own = _own(deed.given["own"])
    for line in (deed.given["changes"] or "").splitlines():
        text = _changed(text, line, own) if line.strip() else text
    _understood(deed, text)
    changes = _differences(_readable(deed, newest), text)
    if not changes[0] and not changes[1]:
        msg = phrase("it says the same as version {version}, which is in force", version=newest["version"])
        raise UsageError(msg, "change a number: --set SECTION.KEY=VALUE, or --file FILE")
    made = {"parent": base["version"], "instead_of": newest["version"], "origin": "people"}
    said = {**_actor(deed, "author"), "reason": deed.given["reason"], "in_force_from": None}
    given = {**made, "numbers": text, "status": "draft"}
    version = int(deed.state.ask(deed.connection, "insert_rules", **given, **said).scalar_one())
    deed.thing_id, (deed.before, deed.after) = str(version), changes
    return {"version": version, "parent": base["version"], "before": changes[0], "after": changes[1]}


def submit(deed: Deed) -> Mapping[str, Any]:
    """Hand a draft in: from now on it stays as it is."""
    found = _locked(deed)
    _require(found, "draft", deed)
    _understood(deed, found["numbers"])
    _require_newest(deed, found)
    deed.state.ask(deed.connection, "submit_rules", version=deed.number, **_actor(deed, "actor"))
    deed.before, deed.after = {"status": "draft"}, {"status": "submitted"}
    return {"version": deed.number, "status": "submitted"}


def approve(deed: Deed) -> Mapping[str, Any]:
    """Let what somebody else handed in be in force from a minute on."""
    found = _locked(deed)
    _require(found, "submitted", deed)
    _refuse_own(deed, found)
    newest = _require_newest(deed, found)
    _understood(deed, found["numbers"])
    if found["backtest"] is None:
        number = deed.number
        msg = phrase("nobody knows yet what version {number} would have done", number=number)
        hint = phrase("`minuterisk rules backtest {number}` finds out, or a running service", number=number)
        raise UsageError(msg, hint)
    start = _start(deed, max(_earliest(deed), newest["in_force_from"]))
    deed.state.ask(
        deed.connection, "approve_rules", version=deed.number, in_force_from=start, **_actor(deed, "actor")
    )
    deed.before = {"status": "submitted", "version": newest["version"]}
    deed.after = {"status": "approved", "version": deed.number, "in_force_from": start.isoformat()}
    return {"version": deed.number, "status": "approved", "in_force_from": start}


def withdraw(deed: Deed) -> Mapping[str, Any]:
    """Take a version back, as long as no minute was judged by it."""
    found = _locked(deed)
    if found["status"] == "withdrawn":
        by = found["withdrawn_by"]
        msg = phrase("version {number} is withdrawn already, by {by}", number=deed.number, by=by)
        raise UsageError(msg, "there is nothing left to do")
    if found["status"] == "approved" and found["in_force_from"] < _earliest(deed):
        since = moment(found["in_force_from"], deed.desk.zone)
        msg = phrase("version {number} is in force since {since}", number=deed.number, since=since)
        raise UsageError(msg, "draft what shall be in force instead: --from NUMBER takes an older version")
    deed.state.ask(deed.connection, "withdraw_rules", version=deed.number, actor=deed.actor.name)
    deed.before, deed.after = {"status": found["status"]}, {"status": "withdrawn"}
    return {"version": deed.number, "status": "withdrawn"}


def backtest(deed: Deed) -> Mapping[str, Any]:
    """Ask what a version would have done; a running service measures it, nobody hands the answer in."""
    found = _locked(deed)
    _require(found, "draft", deed, "submitted")
    deed.state.ask(deed.connection, "ask_backtest", version=deed.number)
    deed.after = {"asked": "backtest"}
    return {"version": deed.number, "status": found["status"]}


def pause(deed: Deed) -> Mapping[str, Any]:
    """Let a rule open nothing until a minute; what is open goes on."""
    deed.state.ask(deed.connection, "lock_rules")
    _require_rule(deed)
    start, zone = _earliest(deed), deed.desk.zone
    known = deed.state.ask(deed.connection, "rule_pauses", minute=start).mappings()
    same = next((row for row in known if row["rule"] == deed.thing_id), None)
    if same is not None:
        until, by = moment(same["until_minute"], zone), one_line(same["paused_by"])
        rule = deed.thing_id
        msg = phrase("{rule} is paused already, until {until}, by {by}", rule=rule, until=until, by=by)
        raise UsageError(msg, phrase("`minuterisk rules resume {rule}` ends it", rule=rule))
    end = _end(deed, start)
    span = {"from_minute": start, "until_minute": end}
    given = {"rule": deed.thing_id, "reason": deed.given["reason"], **span, **_actor(deed, "actor")}
    deed.state.ask(deed.connection, "pause_rule", **given)
    deed.before, deed.after = {}, {name: minute.isoformat() for name, minute in span.items()}
    return {"rule": deed.thing_id, **span}


def resume(deed: Deed) -> Mapping[str, Any]:
    """End a pause before its time."""
    deed.state.ask(deed.connection, "lock_rules")
    _require_rule(deed)
    minute = _earliest(deed)
    given = {"rule": deed.thing_id, "minute": minute, "actor": deed.actor.name}
    if not deed.state.ask(deed.connection, "resume_rule", **given).all():
        msg = phrase("{rule} is not paused", rule=deed.thing_id)
        raise UsageError(msg, "`minuterisk rules list` shows what is")
    deed.before, deed.after = {"paused": True}, {"paused": False, "from_minute": minute.isoformat()}
    return {"rule": deed.thing_id, "from_minute": minute}


def _actor(deed: Deed, name: str) -> dict[str, Any]:
    return {name: deed.actor.name, f"{name}_id": deed.actor.account_id}


def _version(deed: Deed, version: int) -> Mapping[str, Any]:
    found = deed.state.ask(deed.connection, "rule_version", version=version).mappings().first()
    if found is None:
        refuse_unknown("version", version)
    return dict(found)


def _locked(deed: Deed) -> Mapping[str, Any]:
    deed.state.ask(deed.connection, "lock_rules")
    return _version(deed, deed.number)


def _newest(deed: Deed) -> Mapping[str, Any]:
    """The version that is in force, or will be when its minute comes."""
    rows = deed.state.ask(deed.connection, "rules_in_time").mappings()
    versions = [row["version"] for row in rows if row["version"]]
    if not versions:
        msg = "no version of the rules is kept yet"
        raise UsageError(msg, "start `minuterisk run` once: what the file holds becomes the first one")
    return _version(deed, versions[-1])


def _require(found: Mapping[str, Any], status: str, deed: Deed, *others: str) -> None:
    if found["status"] in (status, *others):
        return
    met = {"number": deed.number, "status": word(found["status"]), "wanted": either((status, *others))}
    by = found.get(f"{found['status']}_by")
    msg = phrase("version {number} is {status}, not {wanted}", **met)
    if by:
        msg = phrase("version {number} is {status} by {by}, not {wanted}", **met, by=one_line(by))
    hint = phrase("see `minuterisk rules list`")
    if found["status"] == "draft":
        hint = phrase("hand it in first: `minuterisk rules submit {number}`", number=deed.number)
    raise UsageError(msg, hint)


def _require_newest(deed: Deed, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A version says everything: it would undo what came since it was drafted."""
    newest = _newest(deed)
    if newest["version"] != found["instead_of"]:
        met = {"number": found["version"], "before": found["instead_of"], "newest": newest["version"]}
        msg = phrase("version {number} was to follow {before}, and {newest} does", **met)
        raise UsageError(msg, "draft the change again: it is then made from what is in force")
    return newest


def _refuse_own(deed: Deed, found: Mapping[str, Any]) -> None:
    for what in ("author", "submitted_by"):
        number = found[f"{what}_id"]
        if number is None:  # whoever wrote it has an account by now, perhaps this very one
            of = {"number": deed.number, "author": found[what]}
            msg = phrase("nobody can tell whose version {number} is: {author} had no account", **of)
            raise UsageError(msg, phrase("draft it again by an account: --from {number}", number=deed.number))
        same = found[what] == deed.actor.name or (number is not None and number == deed.actor.account_id)
        if same:
            msg = phrase("version {number} is {name}'s own", number=deed.number, name=deed.actor.name)
            raise UsageError(msg, "somebody else has to approve it")


def _readable(deed: Deed, found: Mapping[str, Any]) -> str:
    """The text of a version as this program takes it."""
    text: str = found["numbers"]
    try:
        _understood(deed, text)
    except UsageError:
        file = read_rules_file(load_pack(deed.state.pack), deed.desk.settings.rules)
        text, _ = completed(text, file.text)
    return text


def _understood(deed: Deed, text: str) -> None:
    """Refuse what the pack does not take, with the value and the next step."""
    load_pack(deed.state.pack).read_tuned(text, word("the draft"))


def _own(text: str | None) -> Path:
    """Before which path the numbers of KIND=NAME stand; without it those of everybody."""
    if text is None:
        return ()
    kind, sign, name = text.partition("=")
    if not sign or not kind.strip() or not name.strip():
        msg = phrase("own is {text!r}", text=text)
        raise UsageError(msg, "say whose numbers they are: KIND=NAME, such as the kind and id of an entity")
    return "own", kind.strip(), name.strip()


def _changed(text: str, line: str, own: Path) -> str:
    """A text with one line of changes: SECTION.KEY=VALUE, or SECTION.KEY= to take an own number away."""
    name, sign, said = line.partition("=")
    try:
        path = (*own, *next(iter(numbers_of(f"{name} = 0"))))
    except (tomllib.TOMLDecodeError, RecursionError, StopIteration):
        path = ()
    if not sign or len(path) != len(own) + 2:
        msg = phrase("{line!r} changes nothing", line=line)
        raise UsageError(msg, "write SECTION.KEY=VALUE, as they stand in `minuterisk rules show`")
    value = said.strip().strip("\"'")
    if value:
        number = int(value.replace("_", "")) if _WHOLE.fullmatch(value) else value
        return with_number(text, path, number)
    if path not in numbers_of(text):
        msg = phrase("there is no number {path}", path=shown(path))
        raise UsageError(msg, "see `minuterisk rules show`")
    return without_number(text, path)


def _differences(before: str, after: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers that differ, on each side, by their paths."""
    old, new = numbers_of(before), numbers_of(after)
    other = [path for path in dict.fromkeys([*old, *new]) if old.get(path) != new.get(path)]
    return (
        {shown(path): old[path] for path in other if path in old},
        {shown(path): new[path] for path in other if path in new},
    )


def _earliest(deed: Deed) -> datetime:
    """From which minute on a change can be in force; that of a commit meanwhile is waited for."""
    next_minute = deed.state.next_judged(deed.connection)
    if next_minute is None:
        msg = "nothing is published yet"
        raise UsageError(msg, "change the file of the rules: it is what the first minutes are judged by")
    return next_minute + MINUTE


def _start(deed: Deed, earliest: datetime) -> datetime:
    wanted: datetime | None = deed.given["from_minute"]
    if wanted is None:
        return earliest
    if wanted < earliest or wanted != floor_minute(wanted):
        at, first = moment(wanted, deed.desk.zone, seconds=True), moment(earliest, deed.desk.zone)
        msg = phrase("{at} is no minute that a version can be in force from", at=at)
        raise UsageError(msg, phrase("take a whole minute from {first} on, or leave it out", first=first))
    return wanted


def _end(deed: Deed, start: datetime) -> datetime:
    end = floor_minute(one_end("a pause", start, deed.given["for"], deed.given["until"]))
    if not start < end <= start + LONGEST_PAUSE:
        zone = deed.desk.zone
        asked = {"start": moment(start, zone), "end": moment(end, zone)}
        msg = phrase("a pause from {start} until {end} is not taken", **asked)
        latest = moment(start + LONGEST_PAUSE, zone)
        hint = phrase("it ends by {latest}; whoever wants more changes the rule", latest=latest)
        raise UsageError(msg, hint)
    return end


def _require_rule(deed: Deed) -> None:
    known = [rule.name for rule in load_pack(deed.state.pack).rules]
    if deed.thing_id not in known:
        near = difflib.get_close_matches(deed.thing_id, known, 1)
        msg = phrase("there is no rule {rule!r}", rule=deed.thing_id)
        all_known = phrase("known are {known}", known=", ".join(known))
        raise UsageError(msg, phrase("did you mean {near}?", near=near[0]) if near else all_known)


def _proposed_by(deed: Deed) -> int | None:
    """The account that handed a version in."""
    if not deed.thing_id.isdecimal():
        return None
    found = deed.state.ask(deed.connection, "rule_version", version=deed.number).mappings().first()
    return None if found is None else found["submitted_by_id"]


def _is_author(deed: Deed) -> bool:
    """Is it a draft of the actor's own?"""
    if deed.actor.account_id is None or deed.actor.scope is not None or not deed.thing_id.isdecimal():
        return False
    found = deed.state.ask(deed.connection, "rule_version", version=deed.number).mappings().first()
    return found is not None and found["status"] == "draft" and found["author_id"] == deed.actor.account_id


ACTS: Final = (
    Act(
        name="draft_rules",
        action="draft",
        kind="rules",
        run=draft,
        needs_id=False,
        parameters={
            "numbers": Parameter("text", "a whole rules.toml", longest=_LONGEST_TEXT),
            "changes": Parameter("text", "SECTION.KEY=VALUE, a line each", longest=_LONGEST_TEXT),
            "own": Parameter(
                "text", "whose numbers they are, KIND=NAME; everybody's without it", longest=500
            ),
            "parent": Parameter("integer", "the version it is made from; the newest in force without it"),
            "reason": WHY,
        },
    ),
    Act(name="submit_rules", action="submit", kind="rules", run=submit),
    Act(
        name="approve_rules",
        action="approve",
        kind="rules",
        run=approve,
        proposed_by=_proposed_by,
        parameters={"from_minute": Parameter("time", "the minute from which on; the next without it")},
    ),
    Act(name="withdraw_rules", action="submit", kind="rules", run=withdraw, own=_is_author),
    Act(name="backtest_rules", action="draft", kind="rules", run=backtest),
    Act(
        name="pause_rule",
        action="pause",
        kind="rules",
        run=pause,
        parameters=PAUSE,
    ),
    Act(name="resume_rule", action="pause", kind="rules", run=resume),
)
