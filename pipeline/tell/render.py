"""Messages as people read them: one line, Slack's Block Kit, a digest of many. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from pipeline.figures import clean, duration_text, escape, exact_money, moment, money
from pipeline.money import EXPECTED_LOSS
from pipeline.money.said import figures_of
from pipeline.tell.buttons import Place, render_buttons
from pipeline.tell.doing import action_text, doing_text
from pipeline.tell.routes import DEFAULT
from pipeline.tell.words import TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.money.said import Figure
    from pipeline.tell.message import Message

Block = dict[str, Any]

DIGEST_LENGTH: Final = 10
LIGHTS: Final = {"critical": "🔴", "high": "🟠", "medium": "🟡"}
RESOLVED_LIGHT: Final = "✅"
#: So much of what a person wrote is shown; the rest is on the page.
NOTE_LENGTH: Final = 160


def render_text(message: Message, language: str, zone: ZoneInfo, *, repeat: bool = False) -> str:
    """One line: for the notification, for a client without blocks, and (after `unescape`) for the console."""
    words = TEXTS[language]
    parts = [
        _title(message, language),
        _entity(message, language),
        _what_happened(message, language).rstrip("."),
        *([_risk(message, language)] if message.has_money else []),
        *_doing(message, language, zone),
        moment(message.minute, zone),
    ]
    if message.event != "opened":
        parts.insert(1, _event(message, language, zone).rstrip("."))
    return (f"[{words['repeat']}] " if repeat else "") + " · ".join(parts)


def render_header(message: Message, language: str) -> str:
    """Severity, rule and state in a few words; holds nothing that came from outside."""
    light = RESOLVED_LIGHT if message.is_over else LIGHTS[message.severity]
    return f"{light} {_title(message, language)}"


def render_title(messages: Sequence[Message], language: str) -> str:
    """The subject of a mail about one incident or many; holds nothing that came from outside."""
    if len(messages) == 1:
        return render_header(messages[0], language)
    header = TEXTS[language]["digest_header" + _after(messages)]
    return "🚨 " + header.format(count=f"{len(messages):,}")


def _title(message: Message, language: str) -> str:
    words = TEXTS[language]
    rule, state = message.words(language)[message.rule], words[f"state_{message.event}"]
    return f"[{words[message.severity]}] {rule} · {state}"


def render_blocks(
    message: Message,
    language: str,
    zone: ZoneInfo,
    dashboard_url: str,
    *,
    repeat: bool = False,
    picture: str | None = None,
    buttons_of: str | None = None,
) -> list[Block]:
    """The message of an incident as Slack Block Kit: how it stands now, with the numbers needed first.

    `picture` is an uploaded file; `buttons_of` the installation whose buttons stand below, None for none.
    """
    words = TEXTS[language]
    domain = message.words(language)
    who = f"{domain['entity']} {_entity(message, language)} · {domain[message.tier]}"
    if message.of_everybody:
        who = domain["everybody"]
    risk = f"*{_risk(message, language)}*\n" if message.has_money else ""
    footer = words["incident"].format(incident_id=message.incident_id, policy=clean(message.policy))
    return [
        *_repeat_blocks(words, repeat=repeat),
        _header(render_header(message, language)),
        _section(f"{who}\n{_what_happened(message, language)}"),
        _section("\n".join([f"{risk}{_event(message, language, zone)}", *_doing(message, language, zone)])),
        {
            "type": "section",
            "fields": [_mrkdwn(f"*{name}*\n{value}") for name, value in _facts(message, language, zone)],
        },
        *([_image(picture, words["picture_alt"])] if picture else []),
        _context(f"{footer} · {_to_page(dashboard_url, words, message.incident_id)}"),
        *([_buttons(message, buttons_of, language)] if buttons_of else []),
    ]


def render_reply_blocks(
    message: Message, language: str, zone: ZoneInfo, *, repeat: bool = False
) -> list[Block]:
    """What changed, short, for the thread under the incident's message."""
    words = TEXTS[language]
    risk = f"{_risk(message, language)} · " if message.has_money else ""
    lines = [
        f"*{words['state_' + message.event]}* · {_event(message, language, zone)}",
        _entity(message, language),
        _what_happened(message, language),
        f"{risk}{moment(message.minute, zone)}",
    ]
    return [*_repeat_blocks(words, repeat=repeat), _section("\n".join(lines))]


def render_instead_text(channels: Sequence[str], language: str) -> str:
    """Before a text: which channels did not take it, so that it is told here; nothing of none."""
    return f"[{_instead(channels, language)}] " if channels else ""


def render_instead_blocks(channels: Sequence[str], language: str) -> list[Block]:
    """The same above the blocks of a message."""
    return [_context(f"↪️ {_instead(channels, language)}")] if channels else []


def render_digest_text(messages: Sequence[Message], language: str, *, repeat: bool = False) -> str:
    """One line about many incidents of a pack that opened together."""
    words = TEXTS[language]
    # What is at risk of everybody is theirs as well, and an entity has its money once.
    each = {m.entity_id: m for m in messages if not m.of_everybody}.values()
    known = [m.at_risk for m in each if m.at_risk is not None]
    unknown = f"{len(each) - len(known):,}"
    sentence = "digest_none" if not known else "digest" if len(known) == len(each) else "digest_some"
    if not _tell_of_money(messages):
        sentence = "digest_without_money"
    said = words[sentence + _after(messages)].format(
        count=f"{len(messages):,}", total=money(sum(known), language), unknown=unknown
    )
    losses = [m.expected_loss for m in each if m.expected_loss is not None]
    if losses:
        said += " " + words["digest_loss"].format(total=money(sum(losses), language))
    return (f"[{words['repeat']}] " if repeat else "") + said


def render_digest_lines(messages: Sequence[Message], language: str) -> list[str]:
    """The ten incidents with most to lose, one line each; equal ones in the order they opened.

    What is not known may be the most: it comes first, by severity.
    """
    words = TEXTS[language]
    top = sorted(messages, key=_most_first)[:DIGEST_LENGTH]
    told = (f"{m.words(language)[m.rule]} · {_entity(m, language)}{_at_risk(m, language)}" for m in top)
    return [
        f"{rank}. [{words[m.severity]}] {said}"
        for rank, (m, said) in enumerate(zip(top, told, strict=True), 1)
    ]


def render_digest_blocks(
    messages: Sequence[Message], language: str, dashboard_url: str, *, repeat: bool = False
) -> list[Block]:
    """Many incidents as one message. Each line is a block of its own: ten long names would not fit in one."""
    words = TEXTS[language]
    lines = render_digest_lines(messages, language)
    top = words["digest_top" if _tell_of_money(messages) else "digest_top_without_money"]
    if any(m.expected_loss is not None for m in messages):
        top = words["digest_top_loss"]
    return [
        *_repeat_blocks(words, repeat=repeat),
        _header(render_title(messages, language)),
        _section(render_digest_text(messages, language)),
        _section(f"*{top.format(shown=len(lines))}*"),
        *[_section(line) for line in lines],
        _context(_to_page(dashboard_url, words)),
    ]


def page_link(dashboard_url: str, incident_id: int | None = None) -> str:
    """Where the dashboard shows an incident, or all of them."""
    one = "" if incident_id is None else f"?incident={incident_id}"
    return f"{dashboard_url}incidents{one}"


def _to_page(dashboard_url: str, words: Mapping[str, str], incident_id: int | None = None) -> str:
    return f"<{escape(page_link(dashboard_url, incident_id))}|{words['link']}>"


def _after(messages: Sequence[Message]) -> str:
    """A digest tells of what has just opened, or of what is still open after a silence."""
    return "_unsilenced" if messages[0].event == "unsilenced" else ""


def _instead(channels: Sequence[str], language: str) -> str:
    words = TEXTS[language]
    named = (
        words["default_channel"] if channel == DEFAULT else f"`{clean(channel)}`" for channel in channels
    )
    return words["instead"].format(channels=", ".join(named))


def _most_first(message: Message) -> tuple[bool, bool, int, int]:
    amount = message.weight
    order = list(LIGHTS).index(message.severity) if amount is None else -amount
    return not message.of_everybody, amount is not None, order, message.incident_id


def _event(message: Message, language: str, zone: ZoneInfo) -> str:
    words, by = TEXTS[language], clean(message.by or "")
    name = message.event
    if name == "acknowledged" and by:
        name = "acknowledged_by"
    elif name == "action":
        name = f"action_{message.said['status']}"
    elif name == "snoozed" and message.said["limit"] is not None and message.has_money:
        name = "snoozed_limit"
    said = message.words(language).get(name, words[name])  # a pack may have its own word for it
    return said.format(
        by=f"`{by}`",
        severity=words[message.severity],
        duration=duration_text(message.duration, language),
        times=message.times,
        **_said(message, language, zone),
    )


def _said(message: Message, language: str, zone: ZoneInfo) -> dict[str, str]:
    """What an act says, for its sentence; what people wrote stands in a code span."""
    words, said, shown = TEXTS[language], message.said, dict[str, str]()
    for name in ("to", "text", "reason"):
        if name in said:
            shown[name] = f"`{clean(said[name], NOTE_LENGTH) or '?'}`"
    if "limit" in said:
        shown["limit"] = _money(said["limit"], language)
    if "kind" in said:
        shown["action"] = action_text(message.pack, said, language, zone)
    elif "until" in said:
        shown["until"] = moment(said["until"], zone)
    if "label" in said:
        shown["label"] = words[said["label"]]
    if "breaches" in said:
        minutes = duration_text(timedelta(minutes=said["minutes"]), language)
        shown |= {"minutes": minutes, "moved": _moved(message, language)}
    return shown


def _moved(message: Message, language: str) -> str:
    """What changed while an incident was snoozed."""
    words, said = TEXTS[language], message.said
    money = {"before": _money(said["at_risk"], language), "now": _money(message.at_risk, language)}
    severity = {"before": words[said["severity"]], "now": words[message.severity]}
    moved = [words["moved_money"].format(**money)] if message.has_money else []
    moved.append(words["moved_severity"].format(**severity))
    moved.append(words["moved_breaches"].format(breaches=f"{said['breaches']:,}"))
    return ", ".join(moved)


def _doing(message: Message, language: str, zone: ZoneInfo) -> list[str]:
    """What is being done about its money, where the message is not about just that."""
    if message.action is None or message.event == "action":
        return []
    return [doing_text(message.pack, message.action, language, zone)]


def _facts(message: Message, language: str, zone: ZoneInfo) -> list[tuple[str, str]]:
    words, domain = TEXTS[language], message.words(language)
    parts = [(domain[name], _money(amount, language)) for name, amount in message.parts.items()]
    parts += [(domain[f.name], _figure(f, language)) for f in _figures(message)]
    facts = [*(parts if message.has_money else []), (words["minute"], moment(message.minute, zone))]
    if message.event != "opened":
        facts.append((words["opened_minute"], moment(message.opened_minute, zone)))
        facts.append((words["duration"], duration_text(message.duration, language)))
    return facts


def _what_happened(message: Message, language: str) -> str:
    return message.pack.say(message.rule, message.reason, message.event, language)


def _tell_of_money(messages: Sequence[Message]) -> bool:
    """A pack that knows no money speaks of none, not even of what is not known."""
    return any(m.pack.has_money for m in messages)


def _at_risk(message: Message, language: str) -> str:
    return f" · {_risk(message, language)}" if message.has_money else ""


def _risk(message: Message, language: str) -> str:
    """All that is at risk, and what of it is likely to be lost where a book says it."""
    return risk_text(message.at_risk, message.figures, message.words(language), language)


def risk_text(
    at_risk: int | None,
    figures: Mapping[str, int | str | None],
    domain: Mapping[str, str],
    language: str,
) -> str:
    """The money of an incident in a few words; `domain` are the pack's."""
    words = TEXTS[language]
    said = words["at_risk_unknown"] if at_risk is None else f"{words['at_risk']} {money(at_risk, language)}"
    if EXPECTED_LOSS not in figures:
        return said
    loss = figures[EXPECTED_LOSS]
    return f"{said} · {domain[EXPECTED_LOSS]} {_money(loss if isinstance(loss, int) else None, language)}"


def _figures(message: Message) -> list[Figure]:
    return figures_of(message.pack.figures, message.figures) if message.figures else []


def _figure(figure: Figure, language: str) -> str:
    """An amount with its date and its interval; what is not known of them is left out."""
    words, said = TEXTS[language], [_money(figure.amount, language)]
    if figure.date is not None:
        said.append(words["on_date"].format(date=figure.date))
    if figure.low is not None and figure.high is not None:
        ends = {"low": exact_money(figure.low, language), "high": exact_money(figure.high, language)}
        said.append(words["interval"].format(**ends))
    return ", ".join(said)


def _money(amount: int | None, language: str) -> str:
    return TEXTS[language]["not_known"] if amount is None else money(amount, language)


def _entity(message: Message, language: str) -> str:
    if message.of_everybody:
        return message.words(language)["everybody"]
    identifier, name = clean(message.entity_id) or "?", clean(message.entity_name or "")
    return f"`{name}` (`{identifier}`)" if name else f"`{identifier}`"


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack must not look for links or names in text that came from outside.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _image(file_id: str, said: str) -> Block:
    return {"type": "image", "slack_file": {"id": file_id}, "alt_text": said}


def _buttons(message: Message, installation: str, language: str) -> Block:
    place = Place(installation, message.pack.name, message.incident_id)
    return render_buttons(place, message.status, language)


def _header(text: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}


def _repeat_blocks(words: Mapping[str, str], *, repeat: bool) -> list[Block]:
    return [_context(f"⚠️ *{words['repeat']}* · {words['repeat_why']}")] if repeat else []
