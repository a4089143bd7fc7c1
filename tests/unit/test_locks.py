"""Passwords, seals, codes and the pace of tries, each by itself."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from argon2 import PasswordHasher

from pipeline.desk.people import totp
from pipeline.desk.people.pace import Pace
from pipeline.desk.people.passwords import Passwords
from pipeline.desk.people.seal import FILE, Broken, Seal
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 29, 12, 0, 5, tzinfo=UTC)


def quick(at_once: int = 2) -> Passwords:
    return Passwords(PasswordHasher(1, 8, 1), at_once)


def test_a_password_fits_in_whichever_form_the_keyboard_sends_it() -> None:
    passwords = quick()
    kept = passwords.hash("가나다라 마바사 12")
    assert passwords.fits(kept, "\u1100\u1161나다라 마바사 12")
    assert not passwords.fits(kept, "가나다라 마바사 13")
    assert not passwords.fits(None, "가나다라 마바사 12")
    assert not passwords.fits("no hash", "가나다라 마바사 12")


def test_no_more_hashes_are_made_at_once_than_there_are_places(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, most, now, guard = quick(2), 0, 0, threading.Lock()
    verify = passwords._hasher.verify

    def counted(kept: str, given: str) -> bool:
        nonlocal most, now
        with guard:
            now += 1
            most = max(most, now)
        try:
            return verify(kept, given)
        finally:
            with guard:
                now -= 1

    monkeypatch.setattr(passwords, "_hasher", type("Counted", (), {"verify": staticmethod(counted)}))
    threads = [threading.Thread(target=passwords.fits, args=(None, "x")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= 2


def test_a_hash_of_weaker_parameters_is_old() -> None:
    assert Passwords(PasswordHasher(2, 16, 1)).is_old(quick().hash("four words are enough"))


def test_what_is_sealed_opens_for_the_same_purpose_about_the_same_alone(tmp_path: Path) -> None:
    seal = Seal.of(tmp_path)
    sealed = seal.close(b"secret", "totp", "7")
    assert Seal.of(tmp_path).open(sealed, "totp", "7") == b"secret"
    assert seal.close(b"secret", "totp", "7") != sealed
    for purpose, about, content in [
        ("totp", "8", sealed),
        ("enrol", "7", sealed),
        ("totp", "7", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        ("totp", "7", b""),
    ]:
        with pytest.raises(Broken):
            seal.open(content, purpose, about)
    for word in ("", "no base64 !", "eA=="):
        with pytest.raises(Broken):
            seal.open_text(word, "enrol")
    assert seal.is_signed("x", "form", seal.sign("x", "form"))
    assert not seal.is_signed("x", "leave", seal.sign("x", "form"))


def test_the_key_is_its_owners_alone_and_one_for_all_who_start_at_once(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(Seal.of(tmp_path).sign("x", "y"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    path = tmp_path.joinpath(*FILE)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [child.name for child in path.parent.iterdir()] == ["desk.key"]
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="may be read by others"):
        Seal.of(tmp_path)


@pytest.mark.parametrize(("off_s", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_telephone_may_be_half_a_minute_off(off_s: int, *, taken: bool) -> None:
    secret = totp.new_secret()
    code = pyotp.TOTP(secret).at(NOW + timedelta(seconds=off_s))
    assert (totp.step_of(secret, f"{code[:3]} {code[3:]}", NOW) is not None) is taken


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "abcdef", "-" * 6])
def test_what_is_no_code_is_none(code: str) -> None:
    assert totp.step_of(totp.new_secret(), code, NOW) is None


def test_an_address_tries_so_often_and_a_customers_whole_network_is_one() -> None:
    pace = Pace(3, 10.0)
    assert [pace.allows("10.0.0.1", 0) for _ in range(4)] == [True, True, True, False]
    assert pace.allows("10.0.0.2", 0)
    assert [pace.allows("10.0.0.1", 10) for _ in range(2)] == [True, False]
    assert [pace.allows(f"2001:db8::{i}", 0) for i in range(4)] == [True, True, True, False]
    assert not pace.allows("::ffff:10.0.0.1", 10)


def test_the_pace_forgets_the_oldest_address_rather_than_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipeline.desk.people.pace.MOST_ADDRESSES", 5)
    pace = Pace(1, 10.0)
    for number in range(50):
        pace.allows(f"10.0.0.{number}", 0)
    assert len(pace._left) == 5
