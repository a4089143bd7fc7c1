"""A shard that holds nothing and says what it is asked: carriers are tested by it."""

from __future__ import annotations

import os
import time
from typing import Any

from pipeline.shards.carrier import Answer, Message


class Echo:
    """Answers with the task; some tasks have a meaning."""

    def __init__(self, number: int, config: Any) -> None:  # noqa: ANN401 - whatever a test gives
        self._number = number
        self._config = config

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
            case float(seconds):
                time.sleep(seconds)
        return Answer(message.task)
