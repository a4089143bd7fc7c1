"""Settings are read once, strictly, and shown without secrets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pipeline.errors import SettingsError
from pipeline.errors.secrets import mask_url
from pipeline.settings import Settings, describe_settings, is_secret, load_settings, setting_names


def refused(environ: dict[str, str], file: Path | None = None) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, file)
    assert caught.value.hint, "an error without a next step"
    assert caught.value.exit_code == 2
    return caught.value


def test_without_any_setting_the_defaults_hold() -> None:
    settings = load_settings({"PATH": "/bin"})
    assert settings == Settings()
    assert (settings.policy, settings.language, settings.close_delay) == (
        "budgeted",
        "ko",
        timedelta(seconds=5),
    )


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MINUTERISK_POLICI", "MINUTERISK_POLICY"),
        ("MINUTERISK_SLACK_TOKN", "MINUTERISK_SLACK_TOKEN"),
        ("MINUTERISK_SOURCE", "MINUTERISK_SOURCE_URL"),
        ("MINUTERISK_STATEURL", "MINUTERISK_STATE_URL"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, nearest: str) -> None:
    error = refused({name: "x"})
    assert name in error.what
    assert nearest in error.hint


def test_an_unknown_name_near_to_nothing_lists_what_is_known() -> None:
    assert all(name in refused({"MINUTERISK_QXZ": "1"}).hint for name in setting_names())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POLICY", "strict"),
        ("POLICY", "Literal"),
        ("LANGUAGE", "de"),
        ("CLOSE_DELAY", "-1"),
        ("CLOSE_DELAY", "5.5"),
        ("CLOSE_DELAY", "5s"),
        ("CLOSE_DELAY", "3601"),
        ("SOURCE_TIMEOUT", "0"),
        ("METRICS_PORT", "65536"),
        ("DASHBOARD_PORT", "0"),
        ("BUSINESS_TIMEZONE", "Seoul"),
        ("BUSINESS_TIMEZONE", "Asia"),
        ("BUSINESS_TIMEZONE", "../../etc/passwd"),
        ("SOURCE_URL", "oracle://h/db"),
        ("SOURCE_URL", "mysql://u:secret@host:port/db"),
        ("STATE_URL", "mysql://h/db"),
        ("STATE_URL", "sqlite:///x"),
        ("STATE_URL", "postgresql://u:secret@host:port/db"),
        ("SLACK_BASE_URL", "slack.com"),
        ("LOG_LEVEL", "INFO"),
    ],
)
def test_a_malformed_value_is_refused_with_its_name_and_what_is_needed(name: str, value: str) -> None:
    error = refused({f"MINUTERISK_{name}": value})
    assert f"MINUTERISK_{name}" in error.what
    assert "must" in error.what
    assert "secret" not in str(error)


@pytest.mark.parametrize("name", ["SOURCE_URL", "STATE_URL", "TRADE_URL"])
def test_a_refused_secret_is_not_repeated(name: str) -> None:
    assert "hunter2" not in str(refused({f"MINUTERISK_{name}": "oracle://u:hunter2@h/db"}))


def test_the_extraction_queries_follow_the_database() -> None:
    folders = {
        scheme: load_settings({"MINUTERISK_SOURCE_URL": f"{scheme}://u@h/d"}).source_queries.name
        for scheme in ("postgresql", "mysql", "mariadb", "mariadb+pymysql")
    }
    assert folders == {
        "postgresql": "postgresql",
        "mysql": "mysql",
        "mariadb": "mysql",
        "mariadb+pymysql": "mysql",
    }
    assert load_settings({}).source_queries.name == "postgresql"
    ours = {"MINUTERISK_SOURCE_URL": "mysql://u@h/d", "MINUTERISK_SOURCE_QUERIES": "/ours"}
    assert str(load_settings(ours).source_queries) == "/ours"


def test_the_two_names_of_postgresql_urls_mean_the_same() -> None:
    urls = ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"]
    assert {load_settings({"MINUTERISK_SOURCE_URL": url}).source_url for url in urls} == {
        "postgresql://u@h/d"
    }


def test_a_token_without_a_channel_is_refused() -> None:
    assert "MINUTERISK_SLACK_CHANNEL" in refused({"MINUTERISK_SLACK_TOKEN": "xoxb-1"}).what


def test_addresses_of_apprise_have_names_of_their_own_and_are_never_shown() -> None:
    url = "mailto://kim:hunter2-x@smtp.risk.test?to=ops@risk.test"
    settings = load_settings(
        {"MINUTERISK_APPRISE_MAIL": url, "MINUTERISK_APPRISE_KAKAO_1": "kakaowork://Key"}
    )
    assert dict(settings.apprise) == {"mail": url, "kakao_1": "kakaowork://Key"}
    shown = describe_settings(settings)
    assert shown["MINUTERISK_APPRISE_MAIL"] == "mailto://***"
    assert "hunter2" not in repr(settings)
    assert is_secret("apprise_mail")
    for wrong in ("smtp.risk.test", "mailto://with blank"):
        error = refused({"MINUTERISK_APPRISE_MAIL": wrong})
        assert ("MINUTERISK_APPRISE_MAIL" in error.what, wrong in str(error)) == (True, False)
    assert "unknown setting" in refused({"MINUTERISK_APPRISE_": "json://h/"}).what


def test_secrets_are_masked_also_the_passwords_inside_urls() -> None:
    settings = load_settings(
        {
            "MINUTERISK_SOURCE_URL": "postgresql://reader:pa%40ss%2Fw:rd@db.example:5432/trade?sslmode=require",
            "MINUTERISK_STATE_URL": "postgresql://db.example/minuterisk?user=u&password=pass1word",
            "MINUTERISK_SLACK_TOKEN": "xoxb-pass-2",
            "MINUTERISK_SLACK_CHANNEL": "C01",
            "MINUTERISK_DASHBOARD_URL": "https://viewer:pass3@dash.example/",
        }
    )
    shown = describe_settings(settings)
    text = "\n".join(shown.values())
    assert list(shown) == setting_names()
    assert not any(secret in text for secret in ("pa%40ss", "pa@ss", "w:rd", "pass1", "pass-2", "pass3"))
    assert "db.example:5432/trade" in shown["MINUTERISK_SOURCE_URL"]
    assert shown["MINUTERISK_SLACK_TOKEN"] == "***"
    assert shown["MINUTERISK_TRADE_URL"] == "(default)"


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://u:@h/d", "postgresql://u:***@h/d"),
        ("postgresql:///d?host=/run&password=a%40b", "postgresql:///d?host=/run&password=***"),
        ('could not open "postgresql://u:p@h/d", retry', 'could not open "postgresql://u:***@h/d", retry'),
        ("no address here", "no address here"),
    ],
)
def test_a_password_is_masked_wherever_a_url_holds_it(url: str, masked: str) -> None:
    assert mask_url(url) == masked


def test_an_empty_variable_is_not_set() -> None:
    assert (
        load_settings({"MINUTERISK_POLICY": "", "MINUTERISK_SLACK_TOKEN": "", "MINUTERISK_STATE_URL": ""})
        == Settings()
    )


def test_an_empty_text_in_the_file_is_not_set_either(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('slack_token = ""\nstate_url = ""\n')
    assert load_settings({}, file) == Settings()


def test_the_file_is_read_from_the_working_folder_and_the_environment_wins(tmp_path: Path) -> None:
    Path("minuterisk.toml").write_text('policy = "literal"\nlanguage = "en"\nclose_delay = 9\n')
    settings = load_settings({"MINUTERISK_LANGUAGE": "ko", "MINUTERISK_POLICY": ""})
    assert (settings.policy, settings.language, settings.close_delay) == (
        "literal",
        "ko",
        timedelta(seconds=9),
    )


@pytest.mark.parametrize(
    "content",
    [
        'polcy = "literal"',
        "close_delay = 5.5",
        "close_delay = true",
        "policy = ['literal']",
        "[policy]\nname = 'literal'",
        "policy = ",
        "policy = 'strict'",
    ],
)
def test_a_file_that_is_not_understood_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "s.toml"
    file.write_text(content)
    refused({}, file)


def test_a_file_that_does_not_exist_or_is_no_text_is_refused(tmp_path: Path) -> None:
    refused({}, tmp_path / "none.toml")
    refused({}, tmp_path)
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    refused({}, tmp_path / "b.toml")


def test_variables_of_the_tests_are_no_settings() -> None:
    assert load_settings({"MINUTERISK_TEST_BROWSER": "required"}) == Settings()


def test_values_arrive_with_their_type(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "MINUTERISK_HOME": str(tmp_path / "home"),
            "MINUTERISK_BUSINESS_TIMEZONE": "Europe/Berlin",
            "MINUTERISK_METRICS_PORT": "0",
            "MINUTERISK_SLACK_BASE_URL": "http://127.0.0.1:9999/api",
        }
    )
    assert settings.lake == tmp_path / "home" / "lake"
    assert settings.business_timezone == ZoneInfo("Europe/Berlin")
    assert settings.metrics_port == 0
    assert settings.slack_base_url == "http://127.0.0.1:9999/api/"
    assert not (tmp_path / "home").exists(), "reading settings creates nothing"
