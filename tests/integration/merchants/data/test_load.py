"""Loading files into a real trade server: the good rows all or none, the bad ones set aside with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from data.merchants import load as load_module
from data.merchants.load import LoadReport, load_file
from data.merchants.trade import create_trade_database, merchant_id_type
from pipeline.errors import UsageError
from pipeline.packs.merchants.schema import QUARANTINE

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, tzinfo=UTC)
THEN = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "transaction_id,merchant_id,kind,amount,occurred_at,customer_id"


@pytest.fixture
def database(fresh_database: str) -> str:
    return str(psycopg.conninfo.conninfo_to_dict(fresh_database)["dbname"])


def load(path: Path, url: str, database: str) -> LoadReport:
    return load_file(path, url, database, path.parent / "quarantine", lambda: NOW)


def csv(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def parquet(folder: Path, **columns: list[Any]) -> Path:
    path = folder / "rows.parquet"
    count = max(len(values) for values in columns.values())
    whole = {
        "transaction_id": list(range(1, count + 1)),
        "merchant_id": ["a"] * count,
        "kind": ["APPROVAL"] * count,
        "amount": [1] * count,
        "occurred_at": [THEN] * count,
    }
    pl.DataFrame({**whole, **columns}).write_parquet(path)
    return path


def select(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def test_each_bad_row_of_a_csv_gets_its_reason_and_the_rest_is_loaded(
    tmp_path: Path, fresh_database: str, database: str
) -> None:
    path = csv(
        tmp_path,
        "1,A,APPROVAL,5,2026-01-01T00:00:00Z,someone",
        "1,A,APPROVAL,5,2026-01-01T00:00:00Z,someone",
        "2,,APPROVAL,5,2026-01-01T00:00:00Z,",
        "3,A,REFUND,5,2026-01-01T00:00:00Z,",
        "4,A,CANCEL,-5,2026-01-01T00:00:00Z,",
        "5,A,CANCEL,5.0,2026-01-01T00:00:00Z,",
        "6,A,CANCEL,,2026-01-01T00:00:00Z,",
        "7,A,CANCEL,5,2026-01-01T00:00:00,",
        "8,A,CANCEL,5,2999-01-01T00:00:00Z,",
        "9,A,CANCEL,5,yesterday,",
        "10,A,CANCEL,5,2026-01-01T00:00:00Z,,surplus",
        "11,A,CANCEL,5",
        "",
        "x,A,CANCEL,5,2026-01-01T00:00:00Z,",
        "13,A,CANCEL,5000000000000000,2026-01-01T00:00:00Z,",
        ",A,CANCEL,5,2026-01-01T00:00:00Z,",
        "15,A,CANCEL,5,,",
        '16,"B, 1",CANCEL,5,2026-01-02 09:00:00.5+09:00,',
    )
    report = load(path, fresh_database, database)
    assert report.rows == 17
    assert report.loaded == 2
    assert report.quarantined == {
        "fields_malformed": 2,
        "amount_malformed": 1,
        "amount_missing": 1,
        "amount_negative": 1,
        "amount_too_large": 1,
        "kind_unknown": 1,
        "merchant_missing": 1,
        "time_future": 1,
        "time_missing": 1,
        "time_naive": 1,
        "time_unreadable": 1,
        "transaction_id_duplicate": 1,
        "transaction_id_malformed": 1,
        "transaction_id_missing": 1,
    }
    assert report.merchants == 2
    assert report.first == THEN
    assert report.last == datetime(2026, 1, 2, 0, 0, 0, 500_000, tzinfo=UTC)
    assert report.quarantine_file is not None
    aside = pl.read_parquet(report.quarantine_file)
    assert aside.schema == QUARANTINE
    assert aside.height == 15
    assert "someone" not in str(aside.rows())
    assert select(fresh_database, "SELECT transaction_id, merchant_id FROM transactions ORDER BY 1") == [
        (1, "A"),
        (16, "B, 1"),
    ]
    assert select(fresh_database, "SELECT merchant_id, name FROM merchants ORDER BY 1") == [
        ("A", "A"),
        ("B, 1", "B, 1"),
    ]


def test_a_clean_file_leaves_no_quarantine(tmp_path: Path, fresh_database: str, database: str) -> None:
    report = load(parquet(tmp_path, amount=[1, 0]), fresh_database, database)
    assert (report.loaded, report.quarantined, report.quarantine_file) == (2, {}, None)
    assert not (tmp_path / "quarantine").exists()


def test_a_parquet_time_without_zone_is_naive(tmp_path: Path, fresh_database: str, database: str) -> None:
    report = load(parquet(tmp_path, occurred_at=[datetime(2026, 1, 1)]), fresh_database, database)  # noqa: DTZ001
    assert report.quarantined == {"time_naive": 1}
    assert report.first is None


def test_every_optional_column_arrives(tmp_path: Path, fresh_database: str, database: str) -> None:
    path = parquet(tmp_path, original_transaction_id=[7], customer_id=[12], country=["KR"])
    load(path, fresh_database, database)
    found = (
        "SELECT original_transaction_id, customer_id, country, currency, created_at IS NULL FROM transactions"
    )
    assert select(fresh_database, found) == [(7, "12", "KR", None, False)]


@pytest.mark.parametrize(
    ("merchants", "kind"), [([1, 2], "BIGINT"), (["1", "2"], "BIGINT"), (["1", "x"], "TEXT")]
)
def test_a_new_table_takes_the_type_of_the_file(
    tmp_path: Path, fresh_database: str, database: str, merchants: list[Any], kind: str
) -> None:
    assert load(parquet(tmp_path, merchant_id=merchants), fresh_database, database).loaded == 2
    assert merchant_id_type(fresh_database) == kind


def test_an_existing_table_keeps_its_type(tmp_path: Path, fresh_database: str, database: str) -> None:
    create_trade_database(fresh_database, database, "TEXT")
    load(parquet(tmp_path, merchant_id=[1]), fresh_database, database)
    assert select(fresh_database, "SELECT merchant_id FROM transactions") == [("1",)]


def test_text_does_not_fit_a_table_of_numbers(tmp_path: Path, fresh_database: str, database: str) -> None:
    create_trade_database(fresh_database, database, "BIGINT")
    report = load(parquet(tmp_path, merchant_id=["7", "x"]), fresh_database, database)
    assert (report.loaded, report.quarantined) == (1, {"merchant_malformed": 1})


def test_loading_twice_loads_once(tmp_path: Path, fresh_database: str, database: str) -> None:
    path = parquet(tmp_path, amount=[1, 2, 3])
    assert load(path, fresh_database, database).loaded == 3
    again = load(path, fresh_database, database)
    assert (again.loaded, again.quarantined, again.merchants) == (0, {"transaction_id_duplicate": 3}, 0)


def test_an_approval_and_its_cancel_may_carry_one_id(
    tmp_path: Path, fresh_database: str, database: str
) -> None:
    path = parquet(tmp_path, transaction_id=[1, 1, 1], kind=["APPROVAL", "CANCEL", "CANCEL"])
    report = load(path, fresh_database, database)
    assert (report.loaded, report.quarantined) == (2, {"transaction_id_duplicate": 1})


def test_the_cancel_of_a_loaded_approval_is_no_duplicate(
    tmp_path: Path, fresh_database: str, database: str
) -> None:
    load(parquet(tmp_path, transaction_id=[1]), fresh_database, database)
    cancel = parquet(tmp_path, transaction_id=[1, 1], kind=["CANCEL", "APPROVAL"])
    report = load(cancel, fresh_database, database)
    assert (report.loaded, report.quarantined) == (1, {"transaction_id_duplicate": 1})


def test_a_duplicate_in_a_later_chunk_is_found(
    tmp_path: Path, fresh_database: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "_PARQUET_ROWS", 2)
    path = parquet(tmp_path, transaction_id=[1, 2, 3, 1, 5])
    done: list[tuple[int, int | None]] = []
    report = load_file(
        path, fresh_database, database, tmp_path / "q", lambda: NOW, lambda rows, of: done.append((rows, of))
    )
    assert (report.loaded, report.quarantined) == (4, {"transaction_id_duplicate": 1})
    assert done == [(2, 5), (4, 5), (5, 5)]


def test_csv_is_read_in_chunks_too(
    tmp_path: Path, fresh_database: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "_CSV_ROWS", 2)
    path = csv(tmp_path, *[f"{n},A,APPROVAL,5,2026-01-01T00:00:00Z," for n in range(1, 6)])
    assert load(path, fresh_database, database).loaded == 5


def test_the_sequence_goes_on_after_the_file(tmp_path: Path, fresh_database: str, database: str) -> None:
    load(parquet(tmp_path, transaction_id=[41]), fresh_database, database)
    assert select(
        fresh_database, "INSERT INTO transactions (amount) VALUES (1) RETURNING transaction_id"
    ) == [(42,)]


@pytest.mark.parametrize("published", [False, True])
def test_a_load_that_fails_leaves_nothing(
    tmp_path: Path, fresh_database: str, database: str, monkeypatch: pytest.MonkeyPatch, *, published: bool
) -> None:
    create_trade_database(fresh_database, database, "TEXT")
    publish = load_module._Quarantine.publish

    def fail(quarantine: load_module._Quarantine) -> None:
        if published:
            publish(quarantine)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(load_module._Quarantine, "publish", fail)
    with pytest.raises(OSError, match="No space"):
        load(parquet(tmp_path, amount=[1, -1]), fresh_database, database)
    assert select(fresh_database, "SELECT count(*) FROM transactions") == [(0,)]
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_a_file_that_breaks_half_way_leaves_nothing(
    tmp_path: Path, fresh_database: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_module, "_CSV_ROWS", 1)
    path = csv(tmp_path, "1,A,APPROVAL,5,2026-01-01T00:00:00Z,")
    path.write_bytes(path.read_bytes() + b"2,\xb0\xa1,APPROVAL,5,2026-01-01T00:00:00Z,\n" * 10_000)
    create_trade_database(fresh_database, database, "TEXT")
    with pytest.raises(UsageError, match="not UTF-8"):
        load(path, fresh_database, database)
    assert select(fresh_database, "SELECT count(*) FROM transactions") == [(0,)]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("rows.xlsx", b"", r"\.xlsx"),
        ("rows", b"", "cannot be loaded"),
        ("rows.parquet", b"not parquet", "cannot be read as Parquet"),
        ("rows.csv", b"", "has no column transaction_id.*it has none"),
        (
            "rows.csv",
            b"transaction_id,merchant_id,kind,amount\n",
            "no column occurred_at; it has transaction_id,",
        ),
        ("rows.csv", HEADER.encode() + b",kind\n", "column kind more than once"),
        ("rows.csv", HEADER.encode() + b'\n1,"' + b"x" * 200_000, "cannot be read as CSV"),
        # A quotation mark that is open at the end, in front of another one, or until one that closes it.
        ("rows.csv", HEADER.encode() + b'\n1,"A,APPROVAL,5,Z,\n2,B,APPROVAL,5,Z,\n', "cannot be read as CSV"),
        ("rows.csv", HEADER.encode() + b'\n1,"A,x,5,Z,\n2,"B",x,5,Z,\n', "cannot be read as CSV"),
        ("rows.csv", HEADER.encode() + b'\n1,"A,x,5,Z,\n2,B",x,5,Z,\n', "row 1 is not closed on its line"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_before_any_database_is_touched(
    tmp_path: Path, name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UsageError, match=says):
        load(path, "postgresql://nowhere.invalid/x", "x")


def test_a_remark_in_a_column_that_nobody_reads_may_have_lines(
    tmp_path: Path, fresh_database: str, database: str
) -> None:
    path = csv(
        tmp_path,
        '1,A,APPROVAL,5,2026-01-01T00:00:00Z,"one\nline, and another"',
        "2,A,APPROVAL,5,2026-01-01T00:00:60Z,leap",
        header="transaction_id,merchant_id,kind,amount,occurred_at,remark",
    )
    report = load(path, fresh_database, database)
    assert (report.rows, report.loaded, report.quarantined) == (2, 1, {"time_unreadable": 1})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.csv is not a file"):
        load(tmp_path / "gone.csv", "postgresql://nowhere.invalid/x", "x")


def test_a_file_without_rows_is_fine(tmp_path: Path, fresh_database: str, database: str) -> None:
    assert load(csv(tmp_path), fresh_database, database).rows == 0
