"""The custody ratio: balances of one day are compared; what is not known is said, never taken as nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from pipeline.commands.merchants.forecast import as_text
from pipeline.minute import one_minute
from pipeline.money import EXPOSURE
from pipeline.online.merchants.ahead import owed
from pipeline.packs.merchants import PACK
from pipeline.packs.merchants.money.schema import EXPOSURE_ROW
from pipeline.packs.merchants.programmes.custody import Custody
from pipeline.packs.merchants.programmes.forecast import Forecast, Known, Outlook, forecast
from pipeline.packs.merchants.programmes.rows import shipped
from pipeline.store.lake import Lake

if TYPE_CHECKING:
    from pathlib import Path

TODAY = date(2026, 11, 21)
ZONE = ZoneInfo("Asia/Seoul")
SOLD = pl.Schema({"merchant_id": pl.String(), "day": pl.Date(), "count": pl.Int64()})


def foreseen(custody: Custody, today: date = TODAY) -> Forecast:
    known = Known(today=today, disputes=None, sold=SOLD.to_frame(), published_from=None, custody=custody)
    return forecast(shipped(), known)


def balances(custody: Custody, today: date = TODAY) -> Outlook:
    [found] = [one for one in foreseen(custody, today).outlooks if one.programme == "custody_ratio_kr"]
    return found


def test_custody_by_the_book() -> None:
    owed = [(TODAY - timedelta(days=9 - n), 1_000_000 + 10_000 * (n % 2)) for n in range(10)]
    unheld = balances(Custody(owed=owed))
    assert (unheld.status, unheld.why, unheld.projected, unheld.sales) == (
        "unknown",
        "custody",
        606_000,
        1_010_000,
    )
    assert unheld.low is not None
    assert unheld.high is not None
    assert unheld.low < 606_000 < unheld.high

    def held(amount: int, today: date = TODAY) -> Outlook:
        later = [(day + (today - TODAY), balance) for day, balance in owed]
        return balances(Custody(owed=later, held=[(today, amount)]), today)

    assert (held(600_000).status, held(600_000).days_until) == ("breached", 0)
    assert held(610_000).status == "possible"
    enough = held(760_000)
    assert (enough.per_10000, enough.status, enough.next_from) == (7524.75, "possible", date(2027, 12, 17))
    assert enough.days_until == 391
    assert held(760_000, date(2027, 11, 1)).status == "ahead"
    assert held(900_000).status == "clear"


def test_balances_of_one_day_are_compared() -> None:
    """Yesterday 60 of 100 were held; today 200 are owed, and what is held of it is not known yet."""
    owed = [(TODAY - timedelta(days=n), 100) for n in range(40, 0, -1)]
    newer = Custody(owed=[*owed, (TODAY, 200)], held=[(TODAY - timedelta(days=1), 60)])
    found = balances(newer)
    assert (found.per_10000, found.counted, found.sales) == (6000.0, 60, 100)
    assert (found.status, found.known_on) == ("possible", TODAY - timedelta(days=1))
    # Of several days with both the newest; one that only one of them has is none.
    several = Custody(owed=newer.owed, held=[(TODAY - timedelta(days=3), 10), *newer.held, (TODAY, 120)])
    assert balances(several).known_on == TODAY
    assert balances(Custody(owed=owed, held=several.held)).known_on == TODAY - timedelta(days=1)


@pytest.mark.parametrize("amount", [1, 10_000])
def test_balances_that_are_long_over_say_nothing_of_today(amount: int) -> None:
    owed = [(TODAY - timedelta(days=n), 100) for n in range(40, -1, -1)]
    stopped = balances(Custody(owed=owed, held=[(TODAY - timedelta(days=30), amount)]))
    assert (stopped.status, stopped.why) == ("unknown", "custody_day")
    assert (stopped.known_on, stopped.per_10000) == (TODAY - timedelta(days=30), None)
    assert (stopped.sales, stopped.projected) == (100, 60)
    yesterday = TODAY - timedelta(days=1)
    hole = balances(Custody(owed=[o for o in owed if o[0] != yesterday], held=[(yesterday, amount)]))
    assert (hole.status, hole.why, hole.known_on) == ("unknown", "owed_day", yesterday)
    book = balances(Custody(owed=owed[:11], held=[(owed[10][0], amount)]))
    assert (book.status, book.why, book.known_on) == ("unknown", "exposure_day", owed[10][0])


def test_a_ratio_is_not_clear_while_it_is_not_known_what_some_are_owed() -> None:
    owed = [(TODAY - timedelta(days=n), 100) for n in range(9, -1, -1)]

    def held(amount: int, unknown: int) -> Outlook:
        return balances(Custody(owed=owed, held=[(TODAY, amount)], unknown={TODAY: unknown}))

    assert (held(90, 0).status, held(90, 0).why) == ("clear", "")
    some = held(90, 500)
    assert (some.status, some.why, some.merchants_unknown) == ("unknown", "owed_some", 500)
    assert (some.per_10000, some.counted) == (9000.0, 90)
    # More owed makes it worse.
    assert (held(50, 500).status, held(50, 500).merchants_unknown) == ("breached", 500)
    assert held(70, 500).status == "possible"
    unheld = balances(Custody(owed=owed, unknown={TODAY: 500}))
    assert (unheld.why, unheld.merchants_unknown) == ("custody", 500)


def test_what_is_owed_comes_with_how_many_are_not_known(tmp_path: Path) -> None:
    lake = Lake(PACK, tmp_path / "lake", tmp_path / "manifest.json", tmp_path / "analyst.duckdb", ZONE)
    nulls, files = dict.fromkeys(EXPOSURE_ROW), []
    for day, pending in ((18, [None, None]), (19, [5, None, None]), (20, [5, 7, 0])):
        minute = datetime(2026, 11, day, 3, tzinfo=UTC)
        rows = [
            {**nulls, "minute": minute, "merchant_id": f"m{n}", "state": "alive", "pending_payout": amount}
            for n, amount in enumerate(pending)
        ]
        files.append(lake.write(EXPOSURE, pl.DataFrame(rows, EXPOSURE_ROW), one_minute(minute)))
    custody = owed(lake, [file for file in files if file], TODAY)
    assert custody.owed == [(date(2026, 11, 19), 5), (date(2026, 11, 20), 12)]
    assert custody.unknown == {date(2026, 11, 19): 2, date(2026, 11, 20): 0}


def test_the_command_says_the_day_and_how_many_are_not_known() -> None:
    owed = [(TODAY - timedelta(days=n), 100) for n in range(9, -1, -1)]

    def said(custody: Custody) -> str:
        return as_text(foreseen(custody).as_json())

    held = [(TODAY, 90)]
    some = said(Custody(owed=owed, held=held, unknown={TODAY: 1_500}))
    assert "what is owed to 1,500 merchants; the true custody ratio is at most" in some
    assert "owed to some is not known" in some
    stopped = said(Custody(owed=owed, held=[(date(2026, 10, 20), 90)]))
    assert "held: only through 2026-10-20" in stopped
    assert "the true custody ratio" not in stopped
    assert "owed on 2026-11-21 is not known" in said(Custody(owed=owed[:-1], held=held))
    assert "balances of 2026-11-21" in said(Custody(owed=owed, held=held))
