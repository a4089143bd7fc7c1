"""Settings: read once from the environment and an optional minuterisk.toml, strictly.

The environment wins over the file. A name nobody knows and a value that cannot be read are refused
with the nearest known name, because a misspelt setting that is ignored is an outage in waiting.
Reading settings opens nothing and creates nothing.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import Field, dataclass, field, fields, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo

from pipeline.amounts import DEFAULT_CURRENCY
from pipeline.errors import SettingsError
from pipeline.errors.secrets import dialect, learn_environment, mask_url
from pipeline.judge.verdicts import POLICIES
from pipeline.pack import LANGUAGES
from pipeline.packs import FIRST, PACKS, manifest_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX: Final = "MINUTERISK_"
CARRIERS: Final = ("processes", "ray")  # how shards may be reached, see pipeline/shards/opening.py
#: Each pack has these of its own, as MINUTERISK_<PACK>_SOURCE_URL.
PER_PACK: Final = (
    "source_url",
    "source_queries",
    "intake",
    "event_outbox_url",
    "event_outbox_queries",
    "rules",
    "trade_url",
)
#: Addresses of Apprise, each with a name of its own: MINUTERISK_APPRISE_<NAME>. Secrets, all of them.
APPRISE: Final = "apprise_"
PROJECT: Final = Path(__file__).resolve().parent.parent
#: Variables with our prefix that steer the tests, not the product.
TEST_PREFIX: Final = "MINUTERISK_TEST_"

T = TypeVar("T")


def _setting(default: object, read: Callable[[str], object], text: str, *, secret: bool = False) -> Any:  # noqa: ANN401 - a dataclass field stands for its value's type
    return field(default=default, metadata={"read": read, "text": text, "secret": secret})


def _one_of(*known: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text in known:
            return text
        msg = f"must be one of {', '.join(known)}"
        raise ValueError(msg)

    return read


def _whole_number(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if re.fullmatch(r"\d+", text) and low <= int(text) <= high:
            return int(text)
        msg = f"must be a whole number from {low} to {high}"
        raise ValueError(msg)

    return read


def _seconds(low: int, high: int) -> Callable[[str], timedelta]:
    number = _whole_number(low, high)
    return lambda text: timedelta(seconds=number(text))


def _postgresql_url(text: str, known: str = "postgresql://") -> str:
    scheme, _, rest = text.partition("://")
    if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        msg = f"must start with {known}"
        raise ValueError(msg)
    _require_readable(rest)
    return "postgresql://" + rest


def _require_readable(rest: str) -> None:
    """Refuse what drivers would read as another password, host or database than was meant."""
    main, _, options = rest.partition("?")
    given, _, address = main.rpartition("@")
    if (
        re.search(r"[\s#\x00-\x1f]|%(?![0-9A-Fa-f]{2})|%00", rest)
        or re.search(r"[@/\[\]]", given)
        or "@" in options
    ):
        msg = "must be percent-encoded: in a password write / : @ % and space as %2F %3A %40 %25 %20"
        raise ValueError(msg)
    hosts = address.partition("/")[0].split(",")
    if not all(re.fullmatch(r"(\[[^\]]*\]|[^:]*)(:\d*)?", host) for host in hosts):
        msg = "must give a number after the host's colon, the port"
        raise ValueError(msg)


def _source_url(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme not in ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql"):
        return _postgresql_url(text, "postgresql://, mysql:// or mariadb://")
    _require_readable(rest)
    return f"{scheme.removesuffix('+pymysql')}://{rest}"


def _packs(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    strange = [name for name in names if name not in PACKS]
    if strange or len(set(names)) < len(names):
        msg = f"must name packs, each once, with commas between: {', '.join(PACKS)}"
        raise ValueError(msg)
    return names


def _matching(pattern: str, must: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if re.fullmatch(pattern, text):
            return text
        raise ValueError(must)

    return read


def _guarded_url(without: str) -> Callable[[str], str]:
    """An address that others cannot listen to, kept to the letter: an issuer's tokens name exactly this."""
    end = rf"[^\s{without}]"
    here = rf"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/{end}*)?"
    must = f"must be an https address (http only on this machine), without {' and '.join(without)}"
    return _matching(rf"https://{end}+|{here}", must)


def _web_url(text: str) -> str:
    if re.match(r"https?://", text):
        return text if text.endswith("/") else text + "/"
    msg = "must start with http:// or https://"
    raise ValueError(msg)


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [part.strip().rpartition("=") for part in text.split(",")]
    if not all(value and role for value, _, role in pairs) or len({v for v, _, _ in pairs}) < len(pairs):
        msg = "must be pairs with commas between, each value once, as risk-team=RISK_ANALYST"
        raise ValueError(msg)
    return tuple((value, role) for value, _, role in pairs)


def _networks(text: str) -> tuple[str, ...]:
    try:
        return tuple(str(ip_network(part.strip())) for part in text.split(","))
    except ValueError:
        msg = "must be addresses or networks with commas between, as 10.0.0.7 or 10.0.0.0/8"
        raise ValueError(msg) from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of the zone database
        msg = "must be a time zone such as Asia/Seoul"
        raise ValueError(msg) from None


def _path(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _folder(text: str) -> Path:
    path = _path(text)
    standing = next(place for place in (path, *path.parents) if place.exists())
    if not standing.is_dir():
        msg = f"must be a folder, and {standing} is a file"
        raise ValueError(msg)
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting, typed. `None` for a URL means: the embedded PostgreSQL under the home."""

    home: Path = _setting(PROJECT / "data", _folder, "folder that holds everything the pipeline writes")
    source_url: str | None = _setting(
        None,
        _source_url,
        "the company's database (PostgreSQL, MySQL, MariaDB), a role that may only SELECT",
        secret=True,
    )
    state_url: str | None = _setting(None, _postgresql_url, "operational database, ours", secret=True)
    trade_url: str | None = _setting(
        None, _postgresql_url, "stand-in server that load and simulate write to", secret=True
    )
    source_queries: Path = _setting(
        None, _path, "folder with the extraction queries; the default follows the database"
    )
    event_outbox_url: str | None = _setting(
        None,
        _postgresql_url,
        "the database whose outbox relays deliver, a role that may update the outbox",
        secret=True,
    )
    event_outbox_queries: Path | None = _setting(
        None, _path, "folder with the queries of relays; the default is the one shipped for the pack"
    )
    intake: str = _setting(
        None,
        _one_of("source", "inbox"),
        "where rows come from: source, the company's database; inbox, what is brought into ours",
    )
    source_timeout: timedelta = _setting(
        timedelta(seconds=20), _seconds(1, 600), "statement timeout at the source, seconds"
    )
    close_delay: timedelta = _setting(
        timedelta(seconds=5), _seconds(0, 3600), "wait after a minute's end, seconds"
    )
    currency: str = _setting(
        DEFAULT_CURRENCY,
        _matching("[A-Z]{3}", "must be the three letters of a currency such as KRW"),
        "currency of the amounts; rows of another one are set aside",
    )
    business_timezone: ZoneInfo = _setting(ZoneInfo("Asia/Seoul"), _zone, "zone of the business day")
    policy: str = _setting("budgeted", _one_of(*POLICIES), "what becomes an incident: " + ", ".join(POLICIES))
    rules: Path = _setting(
        None, _path, "file with every tuned number; the default is the one shipped for the pack"
    )
    packs: tuple[str, ...] = _setting(
        (FIRST,), _packs, "packs to run; the settings without a pack's name are the first one's"
    )
    language: str = _setting("ko", _one_of(*LANGUAGES), "language of messages and screens: ko, en")
    slack_token: str | None = _setting(
        None, str, "bot token; without it messages go to the console", secret=True
    )
    slack_app_token: str | None = _setting(
        None,
        _matching("xapp-.*", "must be an app-level token, which begins with xapp-"),
        "app token for buttons and commands in Slack (Socket Mode)",
        secret=True,
    )
    slack_channel: str | None = _setting(None, str, "channel id of the messages")
    slack_base_url: str = _setting("https://slack.com/api/", _web_url, "Slack's address, or a stand-in's")
    action_url: str | None = _setting(
        None, _guarded_url("#@"), "address of the company's system that is told of actions"
    )
    action_secret: str | None = _setting(
        None, _matching(".{32,}", "must have at least 32 characters"), "signs what it is told", secret=True
    )
    dashboard_url: str = _setting("http://127.0.0.1:8501/", _web_url, "address of the dashboard in messages")
    dashboard_port: int = _setting(8501, _whole_number(1, 65535), "port of the dashboard")
    serve_port: int = _setting(8600, _whole_number(1, 65535), "port of `minuterisk serve`")
    serve_url: str = _setting(
        "http://127.0.0.1:8600/", _web_url, "address of `minuterisk serve`, as browsers reach it"
    )
    on_doubt: str = _setting(
        "review", _one_of("allow", "review", "block"), "what a check answers where nobody can say in time"
    )
    sql_seconds: timedelta = _setting(timedelta(seconds=60), _seconds(1, 3600), "time of a question of `sql`")
    sql_memory: int = _setting(2048, _whole_number(128, 1_048_576), "memory of a question of `sql`, MiB")
    max_rate: int = _setting(2000, _whole_number(1, 1_000_000), "checks a second that one API key may ask")
    trusted_proxies: tuple[str, ...] = _setting(
        (), _networks, "proxies in front of the dashboard whose X-Forwarded-For and -Proto are believed"
    )
    oidc_issuer: str | None = _setting(None, _guarded_url("?#"), "identity provider of the company login")
    oidc_client_id: str | None = _setting(None, str, "name of minuterisk at the identity provider")
    oidc_client_secret: str | None = _setting(
        None, str, "secret of minuterisk at the identity provider", secret=True
    )
    oidc_role_claim: str = _setting(
        "groups", str, "claim that says what somebody may do; points lead into it"
    )
    oidc_roles: tuple[tuple[str, str], ...] = _setting(
        (), _pairs, "which value of the claim is which role: VALUE=ROLE,VALUE=ROLE"
    )
    metrics_port: int = _setting(
        9464, _whole_number(0, 65535), "port of /metrics on 127.0.0.1; 0 switches it off"
    )
    audit_copy: Path = _setting(
        None, _path, "file that keeps the audit's hashes outside of the database; best on another machine"
    )
    shards: int = _setting(1, _whole_number(1, 64), "processes that share a pack's windows; 1: one alone")
    carrier: str = _setting(CARRIERS[0], _one_of(*CARRIERS), f"how they are reached: {', '.join(CARRIERS)}")
    ray_address: str | None = _setting(
        None, _matching(r"[^\s/@]+:\d{1,5}", "must be HOST:PORT"), "head of the Ray cluster; default: our own"
    )
    log_level: str = _setting(
        "info", _one_of("debug", "info", "warning", "error"), "least severe log line shown"
    )
    log_format: str = _setting(
        "auto", _one_of("auto", "json", "text"), "auto: text on a terminal, JSON elsewhere"
    )

    #: Settings of one pack alone: their values by the pack's name and theirs.
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    #: Other ways to tell people, by name: addresses of Apprise. Routes call them apprise:name.
    apprise: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.slack_token and not self.slack_channel:
            msg = f"{PREFIX}SLACK_TOKEN is set but {PREFIX}SLACK_CHANNEL is not"
            raise SettingsError(msg, "set the channel id, for example C0123456789")
        if self.slack_app_token and not self.slack_token:
            msg = f"{PREFIX}SLACK_APP_TOKEN is set but {PREFIX}SLACK_TOKEN is not"
            raise SettingsError(msg, "set the bot token too: it posts and edits what people press")
        if bool(self.action_url) != bool(self.action_secret):
            msg = f"of {PREFIX}ACTION_URL and {PREFIX}ACTION_SECRET only one is set"
            raise SettingsError(msg, "set both: who is told must know that it was us")
        if self.oidc_issuer and not (self.oidc_client_id and self.oidc_client_secret and self.oidc_roles):
            msg = f"{PREFIX}OIDC_ISSUER is set but {PREFIX}OIDC_CLIENT_ID, _CLIENT_SECRET or _ROLES is not"
            raise SettingsError(msg, f"set all of them, as {PREFIX}OIDC_ROLES=risk-team=RISK_ANALYST")
        for name, value in self.own.get(self.pack, {}).items():
            object.__setattr__(self, name, value)
        defaults: Mapping[str, Callable[[], object]] = {
            "intake": lambda: "source",
            "source_queries": self._shipped_queries,
            "audit_copy": lambda: self.home / "audit-heads.jsonl",
            "rules": lambda: PROJECT / "baselines" / self.pack / "rules.toml",
        }
        for name, default in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default())

    def _shipped_queries(self) -> Path:
        queries = PROJECT / "queries" / self.pack
        if self.intake != "inbox":
            return queries / "extract" / dialect(self.source_url)
        if not (queries / "inbox").is_dir():
            msg = f"{PREFIX}INTAKE is inbox, but nothing can be brought to the pack {self.pack}"
            raise SettingsError(msg, "set it to source, or leave it out")
        return queries / "inbox" / dialect(None)

    @property
    def pack(self) -> str:
        """The pack that these settings are for."""
        return self.packs[0]

    def of(self, pack: str) -> Settings:
        """The settings for another pack of this installation."""
        if pack == self.pack:
            return self
        fresh: dict[str, Any] = dict.fromkeys(PER_PACK)
        return replace(self, packs=(pack,), **fresh)

    @property
    def stand_in_url(self) -> str | None:
        """Where a stand-in of the company's database is written to, if not into the embedded server."""
        return self.trade_url

    @property
    def lake(self) -> Path:
        """Folder of the Parquet files."""
        return self.home / "lake"

    @property
    def manifest(self) -> Path:
        """The list of published files, a projection of the ledger."""
        return self.home / manifest_name(self.pack)

    @property
    def catalog(self) -> Path:
        """The analysts' DuckDB file: views over the published files."""
        return self.home / "analyst.duckdb"


def setting_names() -> list[str]:
    """All environment variables, in the order of `Settings`."""
    return [PREFIX + f.name.upper() for f in _settable()]


def load_settings(environ: Mapping[str, str], file: Path | None = None) -> Settings:
    """Read settings from `environ` over `file` (or over ./minuterisk.toml where it exists).

    Raises SettingsError for an unknown name, an unreadable value or a file that is not TOML.
    """
    learn_environment(environ, PREFIX)  # before anything can fail, and speak, because of them
    raw = {**_from_file(file), **_from_environment(environ)}
    values: dict[str, Any] = {}
    own: dict[str, dict[str, Any]] = {}
    apprise: dict[str, str] = {}
    for name, text in raw.items():
        if name.startswith(APPRISE):
            apprise[name.removeprefix(APPRISE)] = _apprise_url(name, text)
            continue
        pack, setting = _own(name)
        (own.setdefault(pack, {}) if pack else values)[setting] = _read(name, text)
    return Settings(**values, own=own, apprise=apprise)


def describe_settings(settings: Settings) -> dict[str, str]:
    """Every setting as text for people; secrets masked, also the password inside a URL."""
    shown = {
        PREFIX + f.name.upper(): _show(getattr(settings, f.name), secret=f.metadata["secret"])
        for f in _settable()
    }
    for pack, own in settings.own.items():
        for name, value in own.items():
            shown[f"{PREFIX}{pack}_{name}".upper()] = _show(value, secret=is_secret(name))
    # The kind of address alone: whom it reaches and with what key stands in every part of it.
    return shown | {
        f"{PREFIX}{APPRISE}{name}".upper(): url.partition("://")[0] + "://***"
        for name, url in settings.apprise.items()
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    ours = {k: v for k, v in environ.items() if k.startswith(PREFIX) and not k.startswith(TEST_PREFIX)}
    # An empty variable is how compose files and shells say "not set".
    return {
        _known(k.removeprefix(PREFIX).lower(), f"environment variable {k}"): v
        for k, v in ours.items()
        if v != ""
    }


def _from_file(file: Path | None) -> dict[str, str]:
    path = file or Path("minuterisk.toml")
    if file is None and not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read the settings file {path}: {error.strerror}"
        raise SettingsError(msg, "name a file that exists") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not TOML: {error}"
        raise SettingsError(msg, 'write lines such as policy = "supported"') from error
    learn_environment({f"{PREFIX}{name.upper()}": str(value) for name, value in content.items()}, PREFIX)
    texts = {
        _known(name, f"key {name} in {path}"): _scalar(name, value, path) for name, value in content.items()
    }
    return {name: text for name, text in texts.items() if text != ""}  # empty is "not set", as above


def _scalar(name: str, value: object, path: Path) -> str:
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    shown = "***" if is_secret(name) else repr(value)
    msg = f"{name} in {path} is {shown}; a text or a whole number is needed"
    raise SettingsError(msg, "see `minuterisk check --settings`")


def _settable() -> list[Field[Any]]:
    return [f for f in fields(Settings) if f.metadata]


def _own(name: str) -> tuple[str, str]:
    """Which pack's own setting a name is, "" for everybody's, and the setting's name."""
    for pack in PACKS:
        setting = name.removeprefix(f"{pack}_")
        if setting != name and setting in PER_PACK:
            return pack, setting
    return "", name


def _known(name: str, where: str) -> str:
    known = [f.name for f in _settable()]
    if _own(name)[1] in known or re.fullmatch(rf"{APPRISE}[a-z0-9_]{{1,40}}", name):
        return name
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {PREFIX}{near[0].upper()}?" if near else f"known are {', '.join(setting_names())}"
    msg = f"unknown setting: {where}"
    raise SettingsError(msg, hint)


def _read(name: str, text: str) -> object:
    found = next(f for f in _settable() if f.name == _own(name)[1])
    try:
        return cast("Callable[[str], object]", found.metadata["read"])(text)
    except ValueError as error:
        shown = "***" if found.metadata["secret"] else repr(mask_url(text))
        msg = f"{PREFIX}{name.upper()} is {shown}, but it {error}"
        raise SettingsError(msg, f"{PREFIX}{name.upper()}: {found.metadata['text']}") from None


def _apprise_url(name: str, text: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9+.-]*://\S+", text, re.IGNORECASE):
        return text
    msg = f"{PREFIX}{name.upper()} is ***, but it must be an address of Apprise"
    raise SettingsError(msg, "write for example mailto://user:password@example.com or json://host/path")


def is_secret(name: str) -> bool:
    """Must the value of this setting stay unseen, everybody's or a pack's own?"""
    return name.startswith(APPRISE) or any(
        f.name == _own(name)[1] and f.metadata["secret"] for f in _settable()
    )


def _show(value: object, *, secret: bool) -> str:
    if value is None:
        return "(default)"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, tuple):
        return ",".join("=".join(part) if isinstance(part, tuple) else part for part in value) or "(default)"
    return "***" if secret and "://" not in str(value) else mask_url(str(value))
