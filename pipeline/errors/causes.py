"""The cause of each failure of a database, as a table: SQLSTATEs, MySQL's numbers, drivers' own words. Pure.

PostgreSQL: appendix A of its manual, class by class, and the codes within a class that mean something else.
MySQL and MariaDB: their error numbers, because their SQLSTATEs are too coarse (42000 is a typing error, a
missing right and a full server). Where a driver gives neither, it is its status or its text.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final


class Cause(Enum):
    """Why a database did not give what it was asked for; each failure has exactly one."""

    UNREACHABLE = "not reachable"  # or gone, full or ill for now: the same question may be answered later
    REFUSED = "refused"  # right, password, TLS, an unknown host, database or role
    QUERY = "query wrong"
    VALUE = "value wrong"  # one row is; the others are right
    SLOW = "too slow"  # or in somebody's way, or too large for the server
    FAULT = "our bug"


def _table(*causes: tuple[Cause, str]) -> dict[str, Cause]:
    return {code: cause for cause, codes in causes for code in codes.split()}


_CLASSES: Final = _table(
    (Cause.UNREACHABLE, "08 57 58 F0 HV XX"),
    (Cause.REFUSED, "0L 0P 28 3D"),
    (Cause.QUERY, "09 0A 0Z 10 23 27 2D 2F 3F 42 44 55"),
    (Cause.VALUE, "0F 20 21 22 38 39 54 P0"),
    (Cause.SLOW, "40 53 72"),
    (Cause.FAULT, "00 01 02 03 0B 24 25 26 2B 34 3B"),
)
#: Codes that mean something else than their class.
_CODES: Final = _table(
    # A prepared statement is gone or the table changed under it: a new connection does not know it.
    (Cause.UNREACHABLE, "25P03 26000 42P05 40003 53300"),
    (Cause.REFUSED, "42501 57P04 55P02"),
    (Cause.QUERY, "25006 39P01 39P02 39P03 54001 54011 54023"),
    (Cause.QUERY, "HV005 HV00C HV00D HV00J HV00K HV00P HV00Q HV00R"),
    (Cause.VALUE, "HV004 HV00A XX001 XX002"),
    (Cause.SLOW, "25P04 55006 55P03 57014"),
)

_MYSQL: Final = _table(
    # handshake, shutdown, network, killed sessions, no more connections, the storage engine's own failures
    (
        Cause.UNREACHABLE,
        "1040 1042 1043 1047 1053 1077 1078 1079 1080 1081 1135 1158 1159 1160 1161 1184 1189",
    ),
    (
        Cause.UNREACHABLE,
        "1190 1203 1226 1927 3169 4031 1005 1015 1016 1017 1023 1024 1026 1030 1033 1036 1105",
    ),
    (Cause.UNREACHABLE, "1194 1195 1412 1836 1877 2002 2003 2004 2006 2008 2011 2013 2014 2027 2055"),
    (
        Cause.REFUSED,
        "1044 1045 1046 1049 1129 1130 1131 1132 1133 1142 1143 1227 1251 1275 1372 1449 1524 1698",
    ),
    (Cause.REFUSED, "1820 1862 1873 2005 2007 2012 2026 2049 2054 2058 2059 2061 3118 3159 3955 4151"),
    # 1290 and 1792: it writes where nobody may; 1370: also of functions that do not exist
    (
        Cause.QUERY,
        "1051 1052 1054 1055 1056 1058 1059 1060 1063 1064 1065 1066 1067 1072 1103 1109 1110 1111",
    ),
    (
        Cause.QUERY,
        "1115 1116 1120 1128 1136 1139 1140 1146 1149 1153 1168 1176 1193 1210 1221 1222 1223 1228",
    ),
    (
        Cause.QUERY,
        "1230 1231 1232 1235 1239 1241 1247 1248 1250 1253 1267 1270 1271 1273 1286 1290 1298 1304",
    ),
    (
        Cause.QUERY,
        "1305 1318 1327 1338 1346 1356 1370 1415 1422 1424 1463 1479 1525 1582 1583 1584 1630 1792",
    ),
    (Cause.QUERY, "3065 3579 3593 3616 3819 4015 4078"),
    (
        Cause.VALUE,
        "1048 1242 1260 1264 1265 1292 1300 1301 1365 1366 1367 1406 1411 1416 1425 1426 1441 1644",
    ),
    (
        Cause.VALUE,
        "1645 1690 1916 1918 1977 3037 3055 3140 3141 3143 3144 3146 3147 3156 3157 3684 3685 3854",
    ),
    (Cause.VALUE, "3903 4037 4038"),
    (Cause.SLOW, "1021 1028 1037 1038 1041 1104 1114 1205 1206 1213 1317 1436 1637 1969 3024 3170 3571 3572"),
    (Cause.SLOW, "3675 4006"),
)
#: What MySQL's own SQLSTATE says of a number that the table does not know.
_MYSQL_CLASSES: Final = _table(
    (Cause.UNREACHABLE, "08"),
    (Cause.REFUSED, "28 3D"),
    (Cause.QUERY, "07 0A 21 23 25 42"),
    (Cause.VALUE, "22 45"),
    (Cause.SLOW, "40 70 XA"),
)

#: Of ADBC's status codes, those that a failure carries when the server itself said nothing.
_ADBC: Final = {
    "NOT_IMPLEMENTED": Cause.QUERY,  # a type that the driver cannot read or send
    "NOT_FOUND": Cause.QUERY,
    "INVALID_ARGUMENT": Cause.QUERY,
    "INVALID_DATA": Cause.VALUE,
    "INTEGRITY": Cause.VALUE,
    "IO": Cause.UNREACHABLE,
    "CANCELLED": Cause.SLOW,
    "TIMEOUT": Cause.SLOW,
    "UNAUTHENTICATED": Cause.REFUSED,
    "UNAUTHORIZED": Cause.REFUSED,
}

#: How libpq, its poolers and the drivers refuse a connection; they give no SQLSTATE then.
_REFUSED: Final = re.compile(
    r"(?:role|user|database|file|authority) .* does not exist|authentication failed|auth failed"
    r"|no pg_hba\.conf entry|pg_hba\.conf rejects|no password supplied|password|could not translate host name"
    r"|(?:failed to|could not) resolve host|not permitted to log in|not currently accepting connections"
    r"|no such (?:database|user)|unsupported startup parameter|unsupported frontend protocol"
    r"|invalid (?:port number|\w+ value|connection option|integer value|percent-encoded|URI|\S+ \S*value)"
    r"|\bURI\b|unexpected spaces|missing \"|forbidden value|unexpected character"
    r"|permission denied|certificate|SSL (?:is |was )?(?:required|not)|does not support SSL|SSL error|sslmode"
    r"|(?:root|private) \S+ file|GSSAPI|SCRAM|SASL|role .* is not permitted",
    re.IGNORECASE,
)
#: A server that is not there, whatever else its text says.
_AWAY: Final = re.compile(
    r"connection refused|\btimed? ?out\b|closed the connection|starting up|shutting down|in recovery mode"
    r"|too many (?:clients|connections)|remaining connection slots|no more connections|name resolution"
    r"|unexpected eof|EOF detected|SSL SYSCALL|no such file or directory\s+is the server running"
    r"|network is unreachable|no route to host",
    re.IGNORECASE,
)
_DECODING: Final = re.compile(
    r"ReadRecord|Expected |decod|deseriali|overflow|underflow|out of range", re.IGNORECASE
)
_PARAMETERS: Final = re.compile(r"bind message (?:supplies|has)|parameter format|invalid message format")


def postgresql_cause(sqlstate: str, text: str = "", *, in_text: bool = False) -> Cause:
    """The cause that a server's SQLSTATE names. `in_text`: the server points at a place in the query's text.

    A literal that is no number fails at a place in the query; a column's value that is none has no place.
    """
    if sqlstate == "0A000" and "cached plan" in text:  # the table changed under a prepared statement
        return Cause.UNREACHABLE
    if sqlstate == "0A000" and "cannot convert" in text:  # NaN or infinity to an integer
        return Cause.VALUE
    if sqlstate == "08P01":  # a count of parameters that does not fit; also what a pooler answers
        return Cause.QUERY if _PARAMETERS.search(text) else connection_cause(text)
    if sqlstate[:2] == "22" and in_text:
        return Cause.QUERY
    return _CODES.get(sqlstate) or _CLASSES.get(sqlstate[:2], Cause.FAULT)


def mysql_cause(number: int, sqlstate: str = "", text: str = "") -> Cause:
    """The cause of an error number of MySQL, MariaDB or their client."""
    if number in (1142, 1143) and not text.upper().startswith("SELECT"):  # a right that nobody should need
        return Cause.QUERY
    if str(number) in _MYSQL:
        return _MYSQL[str(number)]
    if 2000 <= number < 3000:  # noqa: PLR2004 - the numbers of the client library
        return Cause.UNREACHABLE
    return _MYSQL_CLASSES.get(sqlstate[:2], Cause.FAULT)


def adbc_cause(status: str, text: str) -> Cause:
    """The cause of a failure of ADBC about which the server itself said nothing."""
    if "Failed to connect" in text:
        return connection_cause(text)
    if re.search(r"SetSqlQuery|PGRES_EMPTY_QUERY|Failed to execute query '.*': *$", text, re.DOTALL):
        return Cause.QUERY  # an empty text, or one that gives no rows (COPY)
    if status in ("IO", "INTERNAL", "INVALID_DATA") and _DECODING.search(text):
        return Cause.VALUE
    return _ADBC.get(status, Cause.FAULT)


def psycopg_cause(kind: str, text: str) -> Cause:
    """The cause of an error that psycopg raised by itself; `kind` is the class of DB-API 2."""
    if kind == "OperationalError":
        return connection_cause(text)
    if kind == "ProgrammingError" and _REFUSED.search(text):  # the address cannot be read
        return Cause.REFUSED
    of_kind = {
        "ProgrammingError": Cause.QUERY,  # a parameter that is missing, or no rows: the query writes
        "NotSupportedError": Cause.QUERY,
        "DataError": Cause.VALUE,
        "InterfaceError": Cause.UNREACHABLE,  # the connection is closed
    }
    return of_kind.get(kind, Cause.FAULT)


def connection_cause(text: str) -> Cause:
    """Is a connection refused, or does nobody answer? By the text, as there is nothing else."""
    refused = _REFUSED.search(text) and not _AWAY.search(text)
    return Cause.REFUSED if refused else Cause.UNREACHABLE
