"""Writers of a trade server at its worst: everything that makes rows visible late, out of order or never."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.world import World

#: Each surges in its turn, so that incidents open and their merchants calm down again.
MERCHANTS = ("large", *(f"shop {n}" for n in range(1, 12)))
TURN = timedelta(minutes=9)
LATEST_S = 6.0

#: How old the approval is that a cancel names, where it names one; on both sides of 24 hours.
AGES = (None, timedelta(minutes=3), timedelta(hours=24), timedelta(hours=24, microseconds=1))

_INSERT = """INSERT INTO transactions (merchant_id, kind, amount, occurred_at, original_occurred_at)
VALUES (%s, %s, %s, %s, %s)"""
_ANY_OF_THE_HOUR = """
SELECT transaction_id FROM transactions
WHERE transaction_id > 0 AND occurred_at > sim_time(clock_timestamp()) - interval '1 hour'
ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_EXCEPTION_BLOCK = """
DO $$ BEGIN
    INSERT INTO transactions (merchant_id, kind, amount, occurred_at) VALUES ({kept});
    BEGIN
        INSERT INTO transactions (merchant_id, kind, amount, occurred_at) VALUES ({lost});
        RAISE EXCEPTION 'refused';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
END $$
"""


class Writers:
    """Threads that write until they are stopped; they find the server again when it was away."""

    def __init__(self, world: World, seed: int, count: int) -> None:
        self._world = world
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(n, Random(f"{seed} {n}")), daemon=True)
            for n in range(count)
        ]
        self.done: Counter[str] = Counter()  # what was done how often, and rows committed after their minute

    def start(self) -> None:
        """Start all."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End all after the transaction in hand; rolls back what a crash left prepared."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()
        with self._world.trade() as connection:
            found = connection.execute("SELECT gid FROM pg_prepared_xacts").fetchall()
            for (gid,) in found:
                connection.execute(f"COMMIT PREPARED '{gid}'".encode())

    def _count(self, what: str, n: int = 1) -> None:
        with self._lock:
            self.done[what] += n

    def _run(self, number: int, random: Random) -> None:
        while not self._stopped.is_set():
            with suppress(psycopg.Error), psycopg.connect(self._world.trade_url) as connection:
                _Writer(self, connection, number, random).write_on()
                return
            self._count("reconnections")
            time.sleep(0.2)


class _Writer:
    def __init__(self, writers: Writers, connection: psycopg.Connection, number: int, random: Random) -> None:
        self._writers, self._connection, self._random = writers, connection, random
        self._prepared = f"w{number}"
        self._rows: list[datetime] = []
        self._actions: dict[Callable[[], None], int] = {
            self._plain: 30,
            self._savepoints: 14,
            self._rolled_back: 8,
            self._late: 14,
            self._idle_first: 4,
            self._prepare: 5,
            self._exception_block: 5,
            self._bulk: 3,
            self._update: 3,
            self._delete: 2,
            self._bad_row: 3,
            self._other_database: 1,
        }

    def write_on(self) -> None:
        """One transaction after the other."""
        choices, weights = list(self._actions), list(self._actions.values())
        while not self._writers._stopped.is_set():
            action = self._random.choices(choices, weights)[0]
            self._rows.clear()
            action()
            self._connection.rollback()
            self._writers._count(action.__name__.strip("_"))
            time.sleep(self._random.uniform(0.02, 0.2))

    def _commit(self) -> None:
        self._connection.commit()
        self._committed()

    def _committed(self) -> None:
        row = self._connection.execute("SELECT sim_time(clock_timestamp())").fetchone()
        assert row
        late = sum(at.replace(second=0, microsecond=0) + timedelta(seconds=61) < row[0] for at in self._rows)
        self._writers._count("late_rows", late)
        self._writers._count("rows_written", len(self._rows))

    def _row(self) -> tuple[str, str, int, datetime]:
        """A row of now, of the last minutes, or of the last hour."""
        found = self._connection.execute("SELECT sim_time(clock_timestamp())").fetchone()
        assert found
        now: datetime = found[0]
        spread = self._random.choices([10, 600, 3600], [16, 3, 1])[0]
        at = now - timedelta(seconds=self._random.uniform(0, spread))
        merchant = self._random.choice(MERCHANTS)
        turn = int(at.timestamp() // TURN.total_seconds()) % len(MERCHANTS)
        surging = MERCHANTS[turn] == merchant
        kind = "CANCEL" if self._random.random() < (0.6 if surging else 0.02) else "APPROVAL"
        return merchant, kind, self._random.randint(1, 100_000), at

    def _with_approval(self, row: tuple[Any, Any, int, datetime]) -> tuple[object, ...]:
        age = self._random.choice(AGES)
        return (*row, None if age is None else row[3] - age)

    def _insert(self, rows: int = 1, *, lost: bool = False) -> None:
        for _ in range(rows):
            row = self._row()
            self._connection.execute(_INSERT, self._with_approval(row))
            if not lost:
                self._rows.append(row[3])

    def _plain(self) -> None:
        self._insert(self._random.randint(1, 5))
        self._commit()

    def _savepoints(self) -> None:
        """A row before, one in a kept savepoint inside another, one in a savepoint that is rolled back."""
        self._insert()
        with self._connection.transaction():
            self._insert()
            with self._connection.transaction():
                self._insert()
        with self._connection.transaction() as savepoint:
            self._insert(lost=True)
            raise psycopg.Rollback(savepoint)
        self._pause(0.0, 1.5)
        self._commit()

    def _rolled_back(self) -> None:
        self._insert(2, lost=True)
        self._connection.rollback()

    def _late(self) -> None:
        """The row has its id and its time long before anybody can see it."""
        self._insert(self._random.randint(1, 3))
        if self._random.random() < 0.5:
            with self._connection.transaction():
                self._insert()
        self._pause(1.0, LATEST_S)
        self._commit()

    def _idle_first(self) -> None:
        """created_at is the transaction's start: older than every fence of the pause."""
        self._connection.execute("SELECT 1")
        self._pause(1.0, LATEST_S)
        self._insert()
        self._commit()

    def _prepare(self) -> None:
        """Prepared, left alone, then committed by whoever comes."""
        self._insert(2)
        xid = f"{self._prepared}-{self._random.getrandbits(48)}"
        self._connection.execute(f"PREPARE TRANSACTION '{xid}'".encode())
        self._connection.commit()
        self._pause(0.5, LATEST_S)
        self._connection.commit()
        self._connection.autocommit = True
        self._connection.execute(f"COMMIT PREPARED '{xid}'".encode())
        self._connection.autocommit = False
        self._committed()

    def _exception_block(self) -> None:
        texts = []
        for kept in (True, False):
            row = self._row()
            texts.append("'{}', '{}', {}, '{}'".format(*row[:3], row[3].isoformat()))
            if kept:
                self._rows.append(row[3])
        self._connection.execute(_EXCEPTION_BLOCK.format(kept=texts[0], lost=texts[1]).encode())
        self._commit()

    def _bulk(self) -> None:
        self._insert(40)
        self._commit()

    def _update(self) -> None:
        """A row of the last hour costs something else, or belongs to somebody else, from now on."""
        new = self._random.randint(1, 100_000)
        self._connection.execute(
            f"UPDATE transactions SET amount = %s WHERE transaction_id = ({_ANY_OF_THE_HOUR})".encode(), [new]
        )
        self._commit()

    def _delete(self) -> None:
        self._connection.execute(
            f"DELETE FROM transactions WHERE transaction_id = ({_ANY_OF_THE_HOUR})".encode()
        )
        self._commit()

    def _bad_row(self) -> None:
        """Rows that must be set aside, never counted, never lost."""
        merchant, kind, amount, at = self._row()
        bad = self._random.choice(
            [(None, kind, amount, at), (merchant, "REFUND", amount, at), (merchant, kind, -amount, at)]
        )
        self._connection.execute(_INSERT, self._with_approval(bad))
        self._commit()

    def _other_database(self) -> None:
        """A write in another database of the cluster holds the snapshot's xmin back."""
        with psycopg.connect(self._writers._world.server_url) as other:
            other.execute("SELECT pg_current_xact_id()")
            self._pause(2.0, LATEST_S)

    def _pause(self, least_s: float, most_s: float) -> None:
        """Idle in transaction; a soak that ends does not wait."""
        self._writers._stopped.wait(self._random.uniform(least_s, most_s))


class NaiveReader:
    """What many would write: `id > last id`. It must miss rows, or the harness could not see the bug."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: set[int] = set()

    def start(self) -> None:
        """Read until stopped."""
        self._thread.start()

    def stop(self) -> int:
        """Stop; the number of rows of the source that it never saw."""
        self._stopped.set()
        self._thread.join(30)
        self._read()
        with self._world.trade() as connection:
            found = connection.execute("SELECT transaction_id FROM transactions WHERE transaction_id > 0")
            return len({row[0] for row in found.fetchall()} - self.seen)

    def _run(self) -> None:
        while not self._stopped.wait(0.5):
            with suppress(psycopg.Error):
                self._read()

    def _read(self) -> None:
        with self._world.trade() as connection:
            found = connection.execute(
                "SELECT transaction_id FROM transactions WHERE transaction_id > %s",
                [max(self.seen, default=0)],
            )
            self.seen |= {row[0] for row in found.fetchall()}
