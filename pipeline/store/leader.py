"""One process leads an installation; another may stand by and take over.

The lock is an advisory lock of a database session, so it ends with the process that holds it. The lock
alone does not protect against a process that was stopped and wakes up again: that is what the epoch is
for, which every commit checks. A leader that neither holds its lock nor beats is taken over.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import text

from pipeline.errors import ConfigurationError, NotLeader
from pipeline.errors.translate import state_errors
from pipeline.store.state import LEADER_LOCK
from queries import sql

if TYPE_CHECKING:
    from threading import Event

    from sqlalchemy import Engine

    from pipeline.store.state import State

log = structlog.get_logger()

STAND_BY_S = 2.0
#: A leader beats every 5 s. With the stand-by's own pace a takeover takes less than 15 s.
HEART_STOPPED_S = 10


def lead_or_stand_by(state: State, stopped: Event) -> bool:
    """Become the leader, waiting for the present one to end; False when `stopped` was set meanwhile."""
    said = False
    while not stopped.is_set():
        try:
            state.lead()
        except NotLeader as error:
            if not said:
                log.info("leader.standing_by", leader=error.what)
                said = True
            _end_silent_leader(state)
            stopped.wait(STAND_BY_S)
        else:
            return True
    return False


def refuse_pooler(engine: Engine, url: str) -> None:
    """Refuse a pooler in transaction mode: through one, an advisory lock belongs to whoever comes next.

    Two sessions that each keep their own server connection cannot see each other's session settings. In
    transaction mode the second one gets the very connection that the first one has just given back.
    """
    mark = uuid.uuid4().hex
    with state_errors(url), engine.connect() as first, engine.connect() as second:
        first.execute(text("SELECT set_config('minuterisk.session', :mark, false)"), {"mark": mark})
        first.commit()
        seen = second.execute(text("SELECT current_setting('minuterisk.session', true)")).scalar_one()
        kept = first.execute(text("SELECT current_setting('minuterisk.session', true)")).scalar_one()
    if seen == mark or kept != mark:
        msg = "MINUTERISK_STATE_URL goes through a connection pooler in transaction mode"
        raise ConfigurationError(msg, "connect to PostgreSQL directly, or through a pooler in session mode")


def _end_silent_leader(state: State) -> None:
    """End the lock session of a leader whose heart has stopped: it is hung, stopped or cut off."""
    with state_errors(state.url), state.engine.begin() as connection:
        given = {"heart_stopped_s": HEART_STOPPED_S, "lock_key": LEADER_LOCK}
        ended = connection.execute(text(sql("ops/end_silent_leader")), given).all()
    if ended:
        log.warning("leader.taken_over", ended_sessions=len(ended))
