"""The demo's stand-in traffic at a fixed time: incidents, an outage, nonsense, late and vanished rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg

from tests.proofs import names, surfaces
from tests.proofs.home import Home, Proof, line, new_home
from tests.servers import create_database, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.merchants.traffic import Traffic

NOW = datetime(2026, 3, 11, 3, tzinfo=UTC)  # in Seoul noon of a Wednesday
START = datetime(2026, 3, 2, 15, tzinfo=UTC)  # eight business days before
SIZE = (1_000, 150_000)  # merchants, transactions a day: the least that the ranks of the incidents fit
SEED = 1
BEGIN, ACKNOWLEDGED, END = (NOW + timedelta(minutes=m) for m in (-45, 60, 150))
POLICIES = ("budgeted", "supported", "literal")
EXPLAINED = (6, 2)  # ranks: a marketplace that fails, a travel company without its payment page

#: For twelve minutes nobody can pay, for ten minutes a quarter of all approvals is cancelled at once, and
#: some rows are nonsense. Parameter: now.
_DAMAGE = """
DELETE FROM transactions
WHERE occurred_at >= %(now)s + interval '20 min' AND occurred_at < %(now)s + interval '32 min';
INSERT INTO transactions (transaction_id, merchant_id, kind, amount, currency, occurred_at, created_at,
                          original_transaction_id, original_occurred_at)
SELECT transaction_id, merchant_id, 'CANCEL', amount, currency, occurred_at, occurred_at,
       transaction_id, occurred_at
FROM transactions
WHERE kind = 'APPROVAL' AND transaction_id %% 4 = 0
  AND occurred_at >= %(now)s + interval '110 min' AND occurred_at < %(now)s + interval '120 min';
INSERT INTO transactions (transaction_id, merchant_id, kind, amount, occurred_at, created_at)
SELECT 9000 + n, CASE n WHEN 1 THEN NULL ELSE 1 END, CASE n WHEN 2 THEN 'REFUND' ELSE 'APPROVAL' END,
       CASE n WHEN 3 THEN -1 WHEN 4 THEN NULL ELSE 1000 END, %(now)s, %(now)s
FROM generate_series(1, 4) AS n
"""
#: After the judgement: a wave of cancels turns out never to have been, another one comes late.
#: Parameters: now, and the merchants of the one and of the other.
_LATE = """
DELETE FROM transactions
WHERE kind = 'CANCEL' AND merchant_id = %(gone)s
  AND occurred_at >= %(now)s - interval '45 min' AND occurred_at < %(now)s + interval '150 min';
INSERT INTO transactions (transaction_id, merchant_id, kind, amount, currency, occurred_at, created_at)
SELECT 10000 + n, %(late)s, 'CANCEL', 50000, 'KRW', %(now)s + interval '140 min' + n * interval '2 s', %(now)s
FROM generate_series(1, 150) AS n
"""


def at(minute: datetime) -> str:
    """A minute as commands take it."""
    return f"{minute:%Y-%m-%dT%H:%MZ}"


def published(admin_url: str, folder: Path) -> tuple[Home, Traffic]:
    """Write the traffic, damage it, publish what lies before the judged minutes."""
    folder.mkdir(parents=True)
    source = create_database(admin_url, "trade")
    traffic = names.stand_in(START, NOW, SIZE, SEED)
    url = names.write_stand_in(admin_url, source, traffic, END)
    _execute(url, _DAMAGE, now=NOW)
    home = new_home(admin_url, source, folder / "home")
    home.run("backfill", "--from", at(START), "--to", at(BEGIN))
    return home, traffic


def proofs(home: Home, traffic: Traffic) -> Iterator[Proof]:
    """Every policy judges the same minutes; then the source changes, and every one is corrected."""
    ids = [str(merchant) for merchant in traffic.merchants()["merchant_id"]]
    homes = {policy: home.copy(policy) for policy in POLICIES}
    for policy, own in homes.items():
        yield from _lived(own, f"seeded/{policy}")
        yield from surfaces.backtested(own, "seeded", policy, at(BEGIN), at(END))
    own = homes[POLICIES[0]]
    yield from surfaces.counted(own, "seeded")
    yield from surfaces.listed(own, "seeded")
    for rank in EXPLAINED:
        yield from surfaces.explained(own, "seeded", ids[rank - 1], at(NOW + timedelta(minutes=45)))
    _execute(url_of(home.admin_url, home.source), _LATE, now=NOW, gone=ids[9], late=ids[0])
    for policy, own in homes.items():
        yield from _corrected(own, f"seeded/{policy}/corrected")


def _lived(home: Home, name: str) -> Iterator[Proof]:
    """Judge, take on the first incident that is open, judge on."""
    yield surfaces.caught_up(home, f"{name}/caught_up", "--from", at(BEGIN), "--until", at(ACKNOWLEDGED))
    [[first]] = home.rows("SELECT min(incident_id) FROM incident WHERE status = 'open'")
    home.run("incidents", "ack", str(first), "--by", "김위험")
    yield surfaces.caught_up(home, f"{name}/caught_up_further", "--until", at(END))
    yield from surfaces.judged(home, name)


def _corrected(home: Home, name: str) -> Iterator[Proof]:
    """Reconcile until nothing differs: what differed, and what became of it."""
    span = ("--from", at(BEGIN), "--to", at(END))
    found = home.ask("reconcile", *span, code=3)
    yield Proof(f"{name}/differences", [line(difference) for difference in found["differences"]])
    again = home.ask("reconcile", *span)
    yield Proof(f"{name}/left", [line([again["differences"], again["left"]])], shown=True)
    yield from surfaces.judged(home, name)


def _execute(url: str, statements: str, **parameters: object) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        for statement in statements.split(";"):
            cursor.execute(statement.encode(), parameters)
