"""A stand-in for Slack: a real server with the methods and sockets we use, and the faults of its bad days.

For tests (`with SlackStandIn() as slack: …`) and for people without a workspace:

    python -m data.slack_standin --port 8065 --fault-rate 0.3

It keeps Slack's rules: who may post (token, channel), what a message may be (block limits, metadata), one
message a second per channel where asked, history newest first without thread replies (but those that were
broadcast). A seeded schedule or `fail_next` injects faults, with the message posted or not: what a sender
cannot tell is the point of it. Its front page shows the channel; who presses a button there presses it for
the app, through Socket Mode (slack_socket.py).
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Self

from data import slack_press
from data.slack_faults import ENVELOPE_FAULTS, FAULTS, Fault, Schedule
from data.slack_http import make_server
from data.slack_page import Shown
from data.slack_socket import Sockets
from data.slack_workspace import SlackError, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from data.slack_socket import Envelope

Json = dict[str, Any]

__all__ = ["ENVELOPE_FAULTS", "FAULTS", "SlackStandIn", "Workspace"]

WRITES: Final = ("chat.postMessage", "chat.update")
CHANNEL: Final = "C0RISK"


class SlackStandIn:
    """The server. Its faults come from `fail_next` first, then from the seeded schedules."""

    def __init__(
        self,
        workspace: Workspace | None = None,
        *,
        port: int = 0,
        seed: int = 0,
        fault_rate: float = 0.0,
        read_fault_rate: float = 0.0,
        fault_kinds: Iterable[str] = tuple(FAULTS),
        hang_s: float = 30.0,
    ) -> None:
        self.workspace = workspace or Workspace()
        self.sockets = Sockets()
        self.fired: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.envelope_fault_rate = 0.0
        self.hanging = threading.Event()
        self.on_message: Callable[[str, Json], None] = lambda _method, _given: None
        self._schedule = Schedule(seed, fault_kinds)
        self._envelope_schedule = Schedule(seed, ENVELOPE_FAULTS)
        self._rates = {True: fault_rate, False: read_fault_rate}
        self._hang_s = hang_s
        self._planned: list[tuple[str, str]] = []
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._server = make_server(self, port)
        self.sockets.on_answer = self._told_with_acknowledgement
        self.workspace.base_url = self.page_url
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        self.sockets.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self.sockets.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """The base address for a client."""
        return f"{self.page_url}api/"

    @property
    def page_url(self) -> str:
        """Where people see the channel."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    @property
    def messages(self) -> list[Json]:
        """Everything that people see, oldest first, thread replies among them."""
        with self._lock:
            return [deepcopy(s.message) for s in self.workspace.stored]

    def answers(self, user: str) -> list[str]:
        """What this person alone was told, oldest first."""
        with self._lock:
            return [answer.text for answer in self.workspace.answers if answer.user == user]

    def fail_next(self, kind: str, *, times: int = 1, method: str = "chat.postMessage") -> None:
        """The next calls of a method meet this fault: a name in FAULTS, or an error code of the API.

        The methods `upload` and `response` are the bytes of a file and what comes to a response_url.
        """
        self._planned += [(method, kind)] * times

    # What people do

    def press(
        self,
        user: str,
        ts: str,
        action_id: str,
        *,
        button: Json | None = None,
        fault: str | None = None,
    ) -> Envelope:
        """Press a button of a message; `button` is one that was shown earlier. Else NoSuchButton."""
        with self._lock:
            stored = next(s for s in self.workspace.stored if s.message["ts"] == ts)
            pressed = button or slack_press.button_of(stored.message, action_id)
            envelope = slack_press.press(self.workspace, user, stored.channel, stored.message, pressed)
        return self._send(envelope, fault)

    def press_at_home(self, user: str, button: Json, fault: str | None = None) -> Envelope:
        """Press a button of the home tab."""
        with self._lock:
            envelope = slack_press.press_at_home(self.workspace, user, button)
        return self._send(envelope, fault)

    def command(self, user: str, text: str, *, channel: str = CHANNEL, fault: str | None = None) -> Envelope:
        """Give the command /minuterisk."""
        with self._lock:
            envelope = slack_press.command(self.workspace, user, channel, text)
        return self._send(envelope, fault)

    def open_home(self, user: str, fault: str | None = None) -> Envelope:
        """Open the app's home tab."""
        with self._lock:
            envelope = slack_press.open_home(self.workspace, user)
        return self._send(envelope, fault)

    def shown_to(self, user: str, *, at_home: bool = False) -> Shown:
        """What the page shows this person; somebody unknown is the first of the workspace."""
        with self._lock:
            workspace = self.workspace
            people = workspace.people
            return Shown(
                user if user in people else next(iter(people)),
                people,
                [(s.channel, deepcopy(s.message)) for s in workspace.stored],
                list(workspace.answers),
                dict(workspace.homes),
                self.sockets.connected,
                at_home,
            )

    # What the app does

    def answer(self, method: str, token: str, given: Json) -> tuple[Fault, Json]:
        """What to answer, and how to spoil it. Takes effect on the workspace here, under one lock."""
        return self._spoilt(method, lambda: self._call(method, token, given), given)

    def upload(self, number: str, content: bytes) -> tuple[Fault, Json]:
        """The bytes of a file that was announced."""
        return _not_found(*self._spoilt("upload", lambda: self._taken(number, content), {}))

    def respond(self, number: str, given: Json) -> tuple[Fault, Json]:
        """What comes to a response_url."""
        answer = self._spoilt("response", lambda: _refused(self.workspace.respond(number, given)), given)
        return _not_found(*answer)

    def hang(self) -> None:
        """Keep a request waiting."""
        self.hanging.set()
        self._stop.wait(self._hang_s)

    def _send(self, envelope: Envelope, fault: str | None) -> Envelope:
        with self._lock:
            chosen = self._envelope_schedule.next(self.envelope_fault_rate) if fault is None else fault
        return self.sockets.send(envelope, chosen)

    def _told_with_acknowledgement(self, envelope: Envelope) -> None:
        with self._lock:
            if envelope.kind == "slash_commands" and envelope.answer:
                self.workspace.tell(envelope.payload["user_id"], envelope.answer)

    def _spoilt(self, method: str, effect: Callable[[], Json], given: Json) -> tuple[Fault, Json]:
        with self._lock:
            self.requests[method] += 1
            name = self._next_fault(method)
            fault = FAULTS.get(name, Fault(takes_effect=not name, how="json" if name else "", error=name))
            self.fired.update([name] if name else [])
            body = effect() if fault.takes_effect else {"ok": True}
            if method in WRITES and body["ok"] and fault.takes_effect:
                self.on_message(method, given)
        if fault.error:
            body = {"ok": False, "error": fault.error}
        if body.get("retry_after"):
            fault = replace(FAULTS["limited"], retry_after=str(body.pop("retry_after")))
        return fault, body

    def _call(self, method: str, token: str, given: Json) -> Json:
        try:
            if method == "apps.connections.open":
                self.workspace.require_app(token)
                return {"ok": True, "url": self.sockets.address()}
            return {"ok": True, **self.workspace.call(method, token, given)}
        except SlackError as error:
            answer = {"ok": False, "error": error.code, "retry_after": error.retry_after}
            return answer | ({"response_metadata": {"messages": [error.place]}} if error.place else {})

    def _taken(self, number: str, content: bytes) -> Json:
        return _refused("" if self.workspace.upload(number, content) else "file_not_found")

    def _next_fault(self, method: str) -> str:
        for at, (planned, kind) in enumerate(self._planned):
            if planned == method:
                del self._planned[at]
                return kind
        return "" if method == "auth.test" else self._schedule.next(self._rates[method in WRITES])


def _not_found(fault: Fault, body: Json) -> tuple[Fault, Json]:
    """What is no method of the API says no by its status."""
    refused = fault.takes_effect and not fault.how and not body["ok"]
    return (replace(fault, how="http", status=404, error=str(body.get("error"))) if refused else fault), body


def _refused(code: str) -> Json:
    return {"ok": False, "error": code} if code else {"ok": True}


def main(arguments: list[str] | None = None) -> None:
    """Run until interrupted; print each message that would be seen."""
    parser = argparse.ArgumentParser(prog="python -m data.slack_standin", description="A stand-in for Slack.")
    parser.add_argument("--port", type=int, default=8065)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fault-rate", type=float, default=0.0, help="part of the writes that meet a fault")
    parser.add_argument(
        "--envelope-fault-rate", type=float, default=0.0, help="part of the presses that meet a fault"
    )
    parser.add_argument("--enforce-rate", action="store_true", help="refuse more than one message a second")
    chosen = parser.parse_args(arguments)
    workspace = Workspace(messages_per_second=1.0 if chosen.enforce_rate else None)
    with SlackStandIn(
        workspace,
        port=chosen.port,
        seed=chosen.seed,
        fault_rate=chosen.fault_rate,
    ) as standin:
        standin.envelope_fault_rate = chosen.envelope_fault_rate
        standin.on_message = lambda method, given: _say(f"{method} {given.get('text', '')}\n")
        try:
            # At once: whoever has read the first line may post before a second one is out.
            _say(
                f"MINUTERISK_SLACK_BASE_URL={standin.url}\nMINUTERISK_SLACK_TOKEN=xoxb-any\n"
                f"MINUTERISK_SLACK_APP_TOKEN=xapp-any\nMINUTERISK_SLACK_CHANNEL={CHANNEL}\n"
                f"the channel as a page: {standin.page_url}\n"
            )
            threading.Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
