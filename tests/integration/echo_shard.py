"""A shard that holds nothing and says what it is asked, and who asks it: carriers are tried by it."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from pipeline.shards.carrier import Answer, Message
from tests.servers import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.shards.carrier import Carrier

#: Its name, as carriers take it, and what each is made from.
ECHO: Final = "tests.integration.echo_shard:Echo"
CONFIG: Final[Any] = SimpleNamespace(pack="a pack", threads=3, log_level="info", log_format="json")


class Echo:
    """Answers with the task; some tasks have a meaning."""

    def __init__(self, number: int, config: Any) -> None:  # noqa: ANN401 - whatever a test gives
        self._number = number
        self._config = config

    def close(self) -> None:
        """It holds nothing."""

    def handle(self, message: Message) -> Answer:
        match message.task:
            case "where":
                return Answer((self._number, self._config.pack, os.getpid()))
            case "threads":
                return Answer(os.environ["POLARS_MAX_THREADS"])
            case "count":
                return Answer("counted", parts=[{"of": bytes([self._number, to]) * 100_000} for to in (0, 1)])
            case "take":
                return Answer([(len(part["of"]), part["of"][:2]) for part in message.parts])
            case "unspeakable":
                return Answer(lambda: 1)
            case float(seconds):
                time.sleep(seconds)
        return Answer(message.task)


class Asking:
    """A carrier, and one question at a time."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier

    def start(self, *shards: int) -> None:
        for shard in shards:
            self.carrier.start(shard, CONFIG)

    def ask(self, shard: int, task: Any, parts: Sequence[Any] = (), within_s: float = PATIENCE_S) -> Answer:  # noqa: ANN401
        self.carrier.send(shard, Message(1, 0, task, parts))
        return self.carrier.receive(shard, within_s)

    def process(self, shard: int) -> int:
        return int(self.ask(shard, "where").body[2])
