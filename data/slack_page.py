"""The stand-in's channel as a web page, Korean first: messages, threads, pictures, working buttons. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.slack_workspace import Answer, Person

Json = dict[str, Any]

ZONE: Final = ZoneInfo("Asia/Seoul")
#: So many messages are shown; older ones scroll away in a real channel too.
SHOWN: Final = 60

STYLE: Final = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882;
  --link: #1264a3; --ink: #1d1c1d; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --link: #4ba3e3; --ink: #e8e8e8; --paper: #1a1d21; } }
body { margin: 0 auto; max-width: 54rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", system-ui, sans-serif; }
header { border-bottom: 1px solid var(--line); padding-bottom: .6rem; margin-bottom: .8rem; }
h1 { font-size: 1.2rem; margin: 0 0 .3rem; } h3 { margin: .2rem 0; font-size: 1.05rem; }
nav a, nav b { margin-right: .8rem; } a { color: var(--link); }
.message { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .9rem; margin: .8rem 0; }
.thread { border-left: 3px solid var(--line); margin: .5rem 0 0 .6rem; padding-left: .8rem;
  font-size: .92em; }
.when, .context { color: #888; font-size: .85em; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: .3rem; }
.only { background: var(--soft); border-radius: 6px; padding: .4rem .7rem; margin: .4rem 0; }
img { max-width: 100%; border-radius: 6px; }
code { background: var(--soft); padding: 0 .2em; border-radius: 3px; }
form { display: inline-block; margin: .3rem .4rem .1rem 0; }
button { font: inherit; padding: .25rem .8rem; border: 1px solid var(--line); border-radius: 6px;
  cursor: pointer; background: var(--soft); color: inherit; }
button.primary { background: #007a5a; color: #fff; } button.danger { background: #c01343; color: #fff; }
input { font: inherit; padding: .25rem .5rem; min-width: 18rem; }
"""
#: Brings what changed, unless somebody is typing or pressing just now.
SCRIPT: Final = """
let busy = false;
document.addEventListener('submit', () => { busy = true; });
setInterval(async () => {
  if (busy || (document.activeElement && document.activeElement.tagName === 'INPUT')) return;
  try {
    const text = await (await fetch(location.href)).text();
    const fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('main');
    const main = document.querySelector('main');
    if (fresh && fresh.innerHTML !== main.innerHTML) main.innerHTML = fresh.innerHTML;
  } catch (error) { /* the stand-in has ended */ }
}, 1500);
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows: to whom, and everything that is there."""

    user: str
    people: Mapping[str, Person]
    messages: Sequence[tuple[str, Json]]  # channel and message, oldest first
    answers: Sequence[Answer]
    homes: Mapping[str, Json]
    connected: int
    at_home: bool = False


def render_page(shown: Shown) -> str:
    """The whole page."""
    body = _home(shown) if shown.at_home else _channel(shown)
    return (
        "<!DOCTYPE html><html lang='ko'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>Slack 대역 · stand-in</title><style>{STYLE}</style></head><body>"
        f"<header><h1>Slack 대역 <small>(stand-in)</small></h1>{_who(shown)}</header>"
        f"<main>{_state(shown)}{body}</main><script>{SCRIPT}</script></body></html>"
    )


def _who(shown: Shown) -> str:
    place = "/home" if shown.at_home else "/"
    people = [
        f"<b>{escape(person.real_name or person.name)}</b>"
        if user == shown.user
        else f"<a href='{place}?user={escape(user)}'>{escape(person.real_name or person.name)}</a>"
        for user, person in shown.people.items()
    ]
    there, name = ("/", "채널 #risk") if shown.at_home else ("/home", "홈 탭")
    other = f"<a href='{there}?user={escape(shown.user)}'>{name}</a>"
    return f"<nav>누구로 누를까요: {''.join(people)}{other}</nav>"


def _state(shown: Shown) -> str:
    if shown.connected:
        return ""
    return "<p class='only'>앱이 연결되어 있지 않습니다. 버튼은 연결된 뒤에 전달됩니다.</p>"


def _channel(shown: Shown) -> str:
    roots = [(c, m) for c, m in shown.messages if m.get("thread_ts") in (None, m["ts"])][-SHOWN:]
    replies: dict[str, list[Json]] = {}
    for _, message in shown.messages:
        if message.get("thread_ts") not in (None, message["ts"]):
            replies.setdefault(message["thread_ts"], []).append(message)
    own = [a for a in shown.answers if a.user == shown.user]
    told = "".join(_only(a) for a in own if a.thread_ts is None)[-20_000:]
    body = "".join(
        _message(shown, channel, message, replies.get(message["ts"], []), own)
        for channel, message in reversed(roots)
    )
    empty = "<p>아직 메시지가 없습니다.</p>" if not roots else ""
    return f"{_command_form(shown)}{told}{empty}{body}"


def _command_form(shown: Shown) -> str:
    return (
        "<form method='post' action='/command'>"
        f"<input type='hidden' name='user' value='{escape(shown.user)}'>/minuterisk "
        "<input name='text' placeholder='help · open · why 이름 · snooze 번호 1h'>"
        " <button>보내기</button></form>"
    )


def _message(
    shown: Shown, channel: str, message: Json, replies: Sequence[Json], answers: Sequence[Answer]
) -> str:
    thread = "".join(f"<div>{_content(shown, channel, reply)}</div>" for reply in replies)
    only = "".join(_only(a) for a in answers if a.thread_ts == message["ts"])
    return (
        f"<div class='message'>{_content(shown, channel, message)}{only}"
        + (f"<div class='thread'>{thread}</div>" if thread else "")
        + "</div>"
    )


def _content(shown: Shown, channel: str, message: Json) -> str:
    when = datetime.fromtimestamp(float(message["ts"]), ZONE)
    edited = " · 수정됨" if "edited" in message else ""
    head = f"<div class='when'>minuterisk · {when:%H:%M:%S} · {escape(channel)}{edited}</div>"
    place = {"channel": channel, "ts": message["ts"]}
    return head + _blocks(shown, message.get("blocks") or [], place, str(message.get("text", "")))


def _home(shown: Shown) -> str:
    view = shown.homes.get(shown.user)
    refresh = (
        f"<form method='post' action='/home'><input type='hidden' name='user' value='{escape(shown.user)}'>"
        "<button>홈 탭 열기</button></form>"
    )
    if view is None:
        return f"{refresh}<p>아직 비어 있습니다.</p>"
    return refresh + _blocks(shown, view["blocks"], {"ts": "home"}, "")


def _only(answer: Answer) -> str:
    text = "".join(_block(b, "") for b in answer.blocks) or _mrkdwn(answer.text)
    return f"<div class='only'><span class='when'>나에게만 보임</span><br>{text}</div>"


def _blocks(shown: Shown, blocks: Sequence[Json], place: Json, text: str) -> str:
    fields = {"user": shown.user, **place}
    hidden = "".join(
        f"<input type='hidden' name='{escape(name)}' value='{escape(str(value))}'>"
        for name, value in fields.items()
    )
    return "".join(_block(block, hidden) for block in blocks) or _mrkdwn(text)


def _block(block: Json, hidden: str) -> str:
    kind = block.get("type")
    if kind == "header":
        return f"<h3>{escape(block['text']['text'])}</h3>"
    if kind == "section":
        return _section(block, hidden)
    if kind == "context":
        return f"<div class='context'>{' '.join(_text(e) for e in block['elements'])}</div>"
    if kind == "image":
        number = escape(str(block.get("slack_file", {}).get("id", "")))
        return f"<img src='/file/{number}' alt='{escape(block['alt_text'])}'>"
    if kind == "actions":
        return f"<div>{''.join(_button(e, hidden) for e in block['elements'])}</div>"
    return "<hr>"


def _section(block: Json, hidden: str) -> str:
    text = f"<div>{_text(block['text'])}</div>" if "text" in block else ""
    fields = "".join(f"<div>{_text(f)}</div>" for f in block.get("fields", []))
    button = _button(block["accessory"], hidden) if "accessory" in block else ""
    return text + (f"<div class='fields'>{fields}</div>" if fields else "") + button


def _button(element: Json, hidden: str) -> str:
    text = escape(element["text"]["text"])
    if "url" in element:
        return f"<a href='{escape(element['url'])}'>{text}</a>"
    name, style = escape(str(element.get("action_id", ""))), escape(str(element.get("style", "")))
    value = escape(str(element.get("value", "")))
    return (
        f"<form method='post' action='/press'>{hidden}<input type='hidden' name='value' value='{value}'>"
        f"<button class='{style}' name='action_id' value='{name}'>{text}</button></form>"
    )


def _text(text: Json) -> str:
    return _mrkdwn(text["text"]) if text["type"] == "mrkdwn" else escape(text["text"])


def _mrkdwn(text: str) -> str:
    """Slack's own marks: `code`, *bold*, <address|text>; what stands in a code span is nothing but text."""
    parts = re.split(r"(`[^`\n]*`)", text)
    return "".join(_span(p) if p.startswith("`") and len(p) > 1 else _marked(p) for p in parts)


def _span(text: str) -> str:
    return f"<code>{_plain(text[1:-1])}</code>"


def _marked(text: str) -> str:
    made = []
    for part in re.split(r"(<https?://[^>|\s]+(?:\|[^>]*)?>)", text):
        if part.startswith("<http"):
            address, _, name = part[1:-1].partition("|")
            made.append(f"<a href='{_plain(address)}'>{_plain(name or address)}</a>")
        else:
            bold = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", _plain(part))
            made.append(bold.replace("\n", "<br>"))
    return "".join(made)


def _plain(text: str) -> str:
    """Slack's three escapes are read, then everything is HTML's."""
    return escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
