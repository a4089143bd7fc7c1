"""Fixtures of the simulations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.simulation.world import server as start_server
from tests.simulation.world import world as make_world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulation.world import Server, World


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL that may be crashed."""
    with start_server() as started:
        yield started


@pytest.fixture
def world(server: Server) -> Iterator[World]:
    """An empty world; its clock stands."""
    with make_world(server.url) as made:
        yield made
