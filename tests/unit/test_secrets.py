"""What a process knows as secret never leaves it, however it is spelt."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import threading
import warnings
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SettingsError, SourceUnavailable
from pipeline.errors.secrets import SECRETS, Secrets, clean, clean_hooks, clean_streams, clean_value, mask_url
from pipeline.log import configure_log
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path

#: Passwords that drivers, shells and addresses read in their own ways.
AWKWARD = (
    "two words",
    "pa%ss-canary",
    "se cret",
    "p@ss/wo:rd",
    "x@yyyy@zzzz",
    "canary?query#part",
    "kanarie'quote\"double",
    "back\\slash$dollar",
    "카나리아 비밀",
    "plus+and&amp=eq",
    "tab\tand\nline",
    "[brackets]{curly}",
    "канарейка",
)


@pytest.mark.parametrize("password", AWKWARD)
def test_a_learnt_password_is_masked_in_every_spelling(password: str) -> None:
    secrets = Secrets()
    secrets.learn_url(f"postgresql://reader:{password}@127.0.0.1:5432/trade")
    spellings = (
        *(password, repr(password), json.dumps(password), json.dumps(password, ensure_ascii=False)),
        *(quote(password), quote(password, safe=""), quote_plus(password), quote(password, safe="").lower()),
        *(repr(password.encode()), repr({"password": password}), f'invalid token: "{password}"'),
        f"postgresql://reader:{password}@127.0.0.1:5432/trade",
    )
    for spelling in spellings:
        shown = secrets.clean(f"cannot: {spelling} next")
        assert "***" in shown, spelling
        assert password not in shown
        assert quote(password, safe="") not in shown or password.isalnum()


@pytest.mark.parametrize("password", AWKWARD)
def test_an_encoded_password_is_masked_decoded_too(password: str) -> None:
    secrets = Secrets()
    secrets.learn_url(f"postgresql://reader:{quote(password, safe='')}@127.0.0.1:5432/trade")
    assert secrets.clean(f'for "{password}" it failed') == 'for "***" it failed'


@pytest.mark.parametrize(
    ("password", "shown_by_a_driver"),
    [
        ("abcd@efgh@ijkl", 'could not translate host name "efgh@ijkl@127.0.0.1" to address'),
        ("abcd@efgh/ijkl:mnop", 'could not translate host name "efgh" to address'),
        ("abcd efgh", 'unexpected spaces found in "abcd efgh", use %20'),
        ("abcd/efgh", 'invalid port number: "abcd"'),
    ],
)
def test_the_pieces_that_drivers_show_of_a_malformed_address_are_masked(
    password: str, shown_by_a_driver: str
) -> None:
    secrets = Secrets()
    secrets.learn_url(f"postgresql://reader:{password}@127.0.0.1:5432/trade")
    shown = secrets.clean(shown_by_a_driver)
    assert not any(piece in shown for piece in ("abcd", "efgh", "ijkl", "mnop"))


@pytest.mark.parametrize("password", ["abc", "7", "1234", "postgres", "reader", "trade"])
def test_a_password_that_is_an_ordinary_word_is_masked_in_addresses_only(password: str) -> None:
    secrets = Secrets()
    url = f"postgresql://reader:{password}@127.0.0.1:5432/trade"
    secrets.learn_url(url)
    prose = "abc: 7 of 1234 rows of reader in trade at postgresql"
    assert secrets.clean(prose) == prose
    assert secrets.clean(url) == "postgresql://reader:***@127.0.0.1:5432/trade"


def test_a_short_word_is_masked_only_as_a_word_of_its_own() -> None:
    secrets = Secrets()
    secrets.learn("sesame")
    assert secrets.clean("sesame, open sesames") == "***, open sesames"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://u:se cret@h:1/d", "postgresql://u:***@h:1/d"),
        ("postgresql://u:a@b/c@h:1/d", "postgresql://u:***@h:1/d"),
        ("postgresql://:pw@h/d", "postgresql://:***@h/d"),
        (
            "postgresql://h/d?password=x&sslpassword=y&a=b",
            "postgresql://h/d?password=***&sslpassword=***&a=b",
        ),
        ("host=h password='a b\\'c' dbname=d", "host=h password=*** dbname=d"),
        ('host=h password="a b" dbname=d', "host=h password=*** dbname=d"),
        ("postgresql://a:b@h/x and mysql://c:d e@i/y", "postgresql://a:***@h/x and mysql://c:***@i/y"),
        ("http://127.0.0.1:8501/ is seen by a@b.example", "http://127.0.0.1:8501/ is seen by a@b.example"),
        ("token xoxb-123-abcdef was refused", "token *** was refused"),
        ("https://hooks.slack.com/services/T0/B0/xyz", "https://hooks.slack.com/services/***"),
    ],
)
def test_addresses_nobody_told_us_about_are_masked_by_their_form(text: str, masked: str) -> None:
    assert mask_url(text) == masked


@given(st.text("abcdefgh01234'\"\\ %@/:#?한글", min_size=8, max_size=30).filter(str.strip))
def test_no_password_of_eight_characters_survives(password: str) -> None:
    secrets = Secrets()
    secrets.learn(password)
    told = f"({password}) ({password!r}) ({json.dumps(password)}) ({quote(password, safe='')})"
    if password.strip() == password and not password.isdigit():
        assert re.fullmatch(r"\(\S*\*\*\*\S*\) \(.?\*\*\*.?\) \(\"\*\*\*\"\) \(\*\*\*\)", secrets.clean(told))


@pytest.mark.parametrize("password", ["two words", "pa%ss", "se cret", "p@ss/wo:rd", "x@y@z", "a#b", "a?b@c"])
@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_an_address_that_must_be_encoded_is_refused_without_being_shown(password: str, scheme: str) -> None:
    url = f"{scheme}://reader:{password}@127.0.0.1:3306/x"
    with pytest.raises(SettingsError) as caught:
        load_settings({"MINUTERISK_SOURCE_URL": url})
    assert "write / : @ % and space as %2F %3A %40 %25 %20" in str(caught.value)
    assert password not in str(caught.value)


def test_a_wrong_type_in_the_file_does_not_show_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('state_url = ["postgresql://u:canary-77@h/d"]\n')
    with pytest.raises(SettingsError) as caught:
        load_settings({}, file)
    assert "canary" not in str(caught.value)


def test_a_misspelt_setting_is_learnt_all_the_same() -> None:
    with pytest.raises(SettingsError):
        load_settings({"MINUTERISK_SOURCE_ULR": "postgresql://u:canary-77@h/d"})
    assert clean("canary-77") == "***"


def test_libpq_s_own_password_is_learnt() -> None:
    load_settings({"PGPASSWORD": "canary-88"})
    assert clean("password canary-88 was wrong") == "password *** was wrong"


def test_errors_hold_no_secret_from_their_beginning() -> None:
    SECRETS.learn("canary-77")
    error = SourceUnavailable("met canary-77", "do not use canary-77")
    assert "canary" not in f"{error!r} {error} {error.what} {error.hint} {error.args}"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_the_log_holds_no_secret_however_deep(log_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    configure_log(Settings(log_format=log_format))
    SECRETS.learn("canary-77")
    log = structlog.get_logger()
    log.warning("met canary-77", value={"deep": ["canary-77", ("canary-77",)]}, raw=b"canary-77")
    try:
        raise_with("canary-77")
    except ValueError:
        log.exception("job.fault")
    assert "canary" not in written.getvalue()
    assert "ValueError" in written.getvalue()


def raise_with(text: str) -> None:
    raise ValueError(text)


def test_libraries_logs_warnings_and_tracebacks_hold_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    SECRETS.learn("canary-77")
    with clean_streams():
        handler = logging.StreamHandler(sys.stderr)
        logger = logging.getLogger("urllib3.tests")
        logger.addHandler(handler)
        logger.warning("connecting with %s", "canary-77")
        try:
            raise_with("canary-77")
        except ValueError as error:
            logger.exception("failed")
            sys.excepthook(type(error), error, error.__traceback__)
        logger.removeHandler(handler)
        thread = threading.Thread(target=raise_with, args=("canary-77",))
        thread.start()
        thread.join()
        print("canary-77")
    told = capsys.readouterr()
    assert "canary" not in told.out + told.err
    assert told.err.count("ValueError: ***") == 3
    assert told.out == "***\n"


def test_a_warning_holds_no_secret() -> None:
    SECRETS.learn("canary-77")
    clean_hooks()
    assert "canary" not in warnings.formatwarning("canary-77", UserWarning, "x.py", 1)


def test_what_is_no_secret_stays_as_it_is() -> None:
    SECRETS.learn("canary-77")
    value = {"rows": 7, "share": 0.5, "open": None, "names": ["a", "b"], "ok": True}
    assert clean_value(value) == value
