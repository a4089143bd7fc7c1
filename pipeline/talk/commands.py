"""/minuterisk: what somebody may ask in Slack, and the answer that they alone see.

It shows what the page shows; what it changes it changes as a press does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import MinuteriskError
from pipeline.figures import clean, moment
from pipeline.packs import PACKS, load_pack
from pipeline.talk.envelope import Press
from pipeline.talk.shown import LISTED, known, line, more, sentence
from pipeline.talk.words import TEXTS
from pipeline.tell.buttons import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from pipeline.settings import Settings
    from pipeline.store.state import State
    from pipeline.talk.envelope import Command

    #: The newest signal of an entity within a day, or None; raises LakeDamaged and its like.
    Signals = Callable[[str, str], Mapping[str, Any] | None]  # (pack, entity)

HOUR: Final = "1h"
_DIGITS: Final = 18


class Commands:
    """Answers commands; every text is that of the installation's language."""

    def __init__(self, state: State, settings: Settings, signals: Signals) -> None:
        self._state = state
        self._signals = signals
        self._language = settings.language
        self._zone: ZoneInfo = settings.business_timezone
        self._url = settings.dashboard_url
        self._words = TEXTS[settings.language]

    def act_of(self, command: Command) -> Press | None:
        """The act that a command asks for; None where it asks for none, or says too little."""
        verb, rest = _words_of(command)
        number, _, length = rest.partition(" ")
        if verb != "snooze" or not number.isdecimal() or not number.isascii() or len(number) > _DIGITS:
            return None
        found = self._state.rows("app_pack_of", incident_id=int(number))
        pack = found[0]["pack"] if found else self._state.pack
        leaders = self._state.rows("leader", pack=pack)
        place = Place(str(leaders[0]["installation"]) if leaders else "", pack, int(number))
        given = {"for": length.strip() or HOUR}
        return Press(command.key, command.asker, place, "snooze", given, command.response_url)

    def answer(self, command: Command) -> str:
        """The answer to what only asks."""
        verb, rest = _words_of(command)
        if verb in ("", "help"):
            return self.help()
        if verb == "open":
            return self._open()
        if verb == "snooze":
            return self._needs("snooze", "a_number")
        if verb == "why":
            return self._why(rest) if rest else self._needs("why", "a_name")
        packs = [name for name in self._packs() if load_pack(name).noun == verb]
        if packs:
            return self._find(packs, rest) if rest else self._needs(verb, "a_name")
        unknown = self._words["unknown_command"].format(text=clean(command.text))
        return f"{unknown}\n{self.help()}"

    def help(self) -> str:
        """What may be asked."""
        nouns = sorted({load_pack(name).noun for name in self._packs()})
        names = [load_pack(name).words[self._language]["entity"] for name in self._packs()]
        shown = ", ".join(f"`{noun} NAME`" for noun in nouns)
        return self._words["help"].format(nouns=shown, entity=" / ".join(dict.fromkeys(names)))

    def open_incidents(self, limit: int) -> Sequence[Mapping[str, Any]]:
        """Unresolved incidents of every pack."""
        return self._state.rows("talk_open", limit=limit)

    def _packs(self) -> list[str]:
        return [row["pack"] for row in self._state.rows("packs_here") if row["pack"] in PACKS]

    def _open(self) -> str:
        rows = self.open_incidents(LISTED)
        if not rows:
            return self._words["open_none"]
        head = self._words["open_some"].format(count=f"{rows[0]['total']:,}")
        return "\n".join([head, *self._lines(rows), *more(rows, self._language, self._url)])

    def _find(self, packs: Sequence[str], name: str) -> str:
        rows = self._called(packs, name)
        if not rows:
            return self._words["found_none"].format(name=clean(name))
        head = self._words["found_some"].format(name=clean(name), count=f"{rows[0]['total']:,}")
        return "\n".join([head, *self._lines(rows), *more(rows, self._language, self._url)])

    def _why(self, name: str) -> str:
        """The stored reasons of what is open; else of the newest signal, why it was held back."""
        packs = self._packs()
        rows = [row for row in self._called(packs, name) if row["status"] != "resolved"]
        if rows:
            said = (f"{self._line(row)}\n{sentence(row, self._language)}" for row in known(rows))
            return "\n".join(said)
        try:
            for pack in packs:
                signal = self._signals(pack, name)
                if signal is not None:
                    return self._held_back(pack, name, signal)
        except MinuteriskError:
            return self._words["why_unknown"]
        return self._words["why_nothing"].format(entity=clean(name))

    def _held_back(self, name: str, entity: str, signal: Mapping[str, Any]) -> str:
        pack, words = load_pack(name), self._words
        at = moment(signal["minute"], self._zone)
        rule = pack.words[self._language][signal["rule"]]
        said = pack.say(signal["rule"], pack.reason(signal, 0), "opened", self._language)
        return "\n".join(
            [
                words["why_signal"].format(entity=clean(entity), at=at),
                f"*{rule}* {said}",
                words["why_reason"].format(reason=clean(str(signal["reason"]))),
            ]
        )

    def _called(self, packs: Sequence[str], name: str) -> Sequence[Mapping[str, Any]]:
        part = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        asked = {"packs": list(packs), "entity": name, "part": f"%{part}%", "limit": LISTED}
        return self._state.rows("talk_find", **asked)

    def _lines(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        return [self._line(row) for row in known(rows)]

    def _line(self, row: Mapping[str, Any]) -> str:
        return line(row, self._language, self._zone, self._url)

    def _needs(self, command: str, what: str) -> str:
        return self._words["needs"].format(command=command, what=self._words[what])


def _words_of(command: Command) -> tuple[str, str]:
    verb, _, rest = command.text.strip().partition(" ")
    return verb.lower(), rest.strip()
