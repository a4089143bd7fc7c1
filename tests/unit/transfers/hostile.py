"""Two hundred and more texts that are no rule, each with the place where it is refused."""

from __future__ import annotations

import json
from typing import Any, Final

N: Final[dict[str, Any]] = {"count": "*", "match": {"user_id": "user_id"}, "within": "60s"}
GOOD: Final[dict[str, Any]] = {
    "rule": "HIGH_FREQUENCY",
    "on": ["transfer", "card"],
    "severity": "high",
    "score": 40,
    "action": "review",
    "measures": {"n": N, "to": {"distinct": "payee_id", "match": {"user_id": "user_id"}, "within": "1h"}},
    "when": {"gt": [{"measure": "n"}, 5]},
    "say": {"ko": "{user_id} {n}회", "en": "{n} payments of {user_id}"},
}
AMOUNT: Final = {"field": "amount"}
COUNTRY: Final = {"field": "country"}
LARGE: Final = {"gt": [AMOUNT, 1]}
SUMS: Final = {f"s{i}": {"sum": "amount", "match": {"user_id": "user_id"}, "within": "1h"} for i in range(8)}
NO_KINDS: Final[list[Any]] = ["card", [], {}, ["card", "card", "transfer", "cash"], None]
NO_SENTENCES: Final[list[Any]] = ["x", [], {"ko": "x"}, {"en": "x"}, 1]
CODE: Final = (
    "__import__('os').system('touch /tmp/x')",
    "exec('1')",
    "lambda: 1",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "'; DROP TABLE transfers.event; --",
    "\\u0000",
    "!!python/object/apply:os.system ['id']",
)


def text(**changes: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps({**GOOD, **changes})


def when(condition: Any) -> str:  # noqa: ANN401 - JSON
    return text(when=condition)


def measured(**changes: Any) -> str:  # noqa: ANN401 - JSON
    return text(measures={"n": {k: v for k, v in {**N, **changes}.items() if v is not None}})


def without(key: str) -> str:
    return json.dumps({name: value for name, value in GOOD.items() if name != key})


def nested(depth: int) -> Any:  # noqa: ANN401 - JSON
    return LARGE if depth == 0 else {"not": nested(depth - 1)}


def total(names: list[str]) -> Any:  # noqa: ANN401 - JSON
    """A sum of products as flat as it can be."""
    if len(names) == 1:
        return {"times": [{"measure": names[0]}, 1000]}
    half = len(names) // 2
    return {"plus": [total(names[:half]), total(names[half:])]}


TEXTS: Final[list[tuple[str, str]]] = [
    # no JSON, or more of it than anybody writes
    *(("text", bad) for bad in ("", " ", "{", "}", "[", "{]", "{'rule': 1}", "rule: X", "\ufeff{}", "{}{}")),
    *(("text", bad) for bad in ("NaNa", "{,}", '{"a":}', "// {}", '{"a":1,}', "{a:1}", '"', "\x00", "null;")),
    *(
        ("text", bad)
        for bad in ("null", "1", "true", '"HIGH_VALUE"', "[]", "[{}]", "-1", "1e999", "Infinity")
    ),
    *(("text", bad) for bad in ("[" * 8000, '{"a":' * 3000, "[" * 100 + "]" * 100, "\ud800", "9" * 5000)),
    ("text", "x" * 20_000),
    ("text", text() + " " * 17_000),
    ("text", '{"rule":"A","rule":"B"}'),
    ("text", text()[:-1] + ',"score":50}'),
    ("when", text().replace('"gt":', '"lt":[1,2],"lt":')),
    ("say", text().replace('"en":', '"ko":"x","en":')),
    # the outer form
    *(("text", without(key)) for key in GOOD if key != "measures"),
    *((key, text(**{key: 1})) for key in ("version", "mode", "author", "eval", "then", "else_", "sql")),
    ("text", text(**{"__class__.x": 1})),
    ("text", text(**{"a b": 1})),
    ("text", text(é=1)),
    ("text", text(**{"": 1})),
    *(
        ("rule", text(rule=bad))
        for bad in ("", "high", "A B", "A-B", "9A", "A" * 65, "../A", "A;B", 1, ["A"])
    ),
    *(("rule", text(rule=bad)) for bad in (*CODE, "LEARNED_SCORE")),
    *(("rule", text(rule=bad)) for bad in ("A\u202eB", "A\u0000", "Ａ", "A\n")),
    *(("on", text(on=bad)) for bad in NO_KINDS),
    ("on[1]", text(on=["card", "card"])),
    *(("on[0]", text(on=[bad])) for bad in ("cards", "*", 1, True, ["card"], {"a": 1})),
    *(("severity", text(severity=bad)) for bad in ("low", "HIGH", 3, ["high"], True)),
    *(("score", text(score=bad)) for bad in (-1, 101, 1.0, 1.5, "40", True, [40], 10**16, 1e3)),
    *(("action", text(action=bad)) for bad in ("allow", "delete", 1, None, {"exec": "rm"})),
    # what is said
    *(("say", text(say=bad)) for bad in NO_SENTENCES),
    ("say.fr", text(say={"ko": "x", "en": "x", "fr": "x"})),
    *(
        ("say.en", text(say={"ko": "x", "en": bad}))
        for bad in ("", " ", "{", "}", "{}", "{0}", "{nobody}", "{n.__class__}", "{n[0]}", "{n!r}", "{n:>9}")
    ),
    *(
        ("say.en", text(say={"ko": "x", "en": bad}))
        for bad in ("{{n}}", "x" * 201, 1, "a\u202eb", "\x07", "\ud83d")
    ),
    ("say.ko", text(say={"ko": None, "en": "x"})),
    # measures
    ("measures", text(measures=[])),
    ("measures", text(measures={f"m{i}": N for i in range(9)})),
    *(
        (f"measures.{bad}", text(measures={bad: N}))
        for bad in ("N", "amount", "user_id", "_n", "9n", "n" * 33)
    ),
    ("measures.n", text(measures={"n": 1})),
    ("measures.n", text(measures={"n": {}})),
    ("measures.n", measured(sum="amount")),
    ("measures.n", measured(count=None)),
    ("measures.n", measured(match=None)),
    ("measures.n", measured(within=None)),
    ("measures.n.having", measured(having=1)),
    ("measures.n.count", measured(count="amount")),
    *((f"measures.n.{op}", measured(count=None, **{op: "country"})) for op in ("sum", "mean")),
    ("measures.n.distinct", measured(count=None, distinct="amount")),
    ("measures.n.distinct", measured(count=None, distinct="*")),
    ("measures.n.previous", measured(count=None, previous="local_hour")),
    ("measures.n.speed", measured(count=None, speed="mph")),
    ("measures.n.match", measured(match={})),
    ("measures.n.match", measured(match=["user_id"])),
    ("measures.n.match", measured(match={f: f for f in ("user_id", "account_id", "payee_id", "card_id")})),
    ("measures.n.match.amount", measured(match={"amount": "amount"})),
    ("measures.n.match.user_id", measured(match={"user_id": "name"})),
    ("measures.n.match.user_id", measured(match={"user_id": 5})),
    ("measures.n.match.local_hour", measured(match={"local_hour": "local_hour"})),
    *(
        ("measures.n.within", measured(within=bad))
        for bad in (
            "59s",
            "0s",
            "91d",
            "-60s",
            "60",
            "1w",
            "1.5h",
            "٦٠s",
            "60s ",
            60,
            "9999999d",
            "P1D",
            "",
            True,
        )
    ),
    ("measures.n.before", measured(before="0s")),
    ("measures.n.before", measured(before="60s")),
    ("measures.n.before", measured(before="2h", within="1h")),
    ("measures.n.where", measured(where=[])),
    ("measures.n.where.nobody", measured(where={"nobody": 1})),
    ("measures.n.where.transfer_id", measured(where={"transfer_id": "x"})),
    ("measures.n.where.status", measured(where={"status": "refused"})),
    # an intended payment counts as completed, so that its answer stays the same once it is booked
    ("measures.n.where.status", measured(where={"status": "intended"})),
    ("measures.n.where.status[1]", measured(where={"status": ["completed", "intended"]})),
    # these belong to the event that is judged, or to one event alone
    ("measures.n.where.local_hour", measured(where={"local_hour": 3})),
    ("measures.n.where.account_age_days", measured(where={"account_age_days": {"between": [0, 3]}})),
    ("measures.n.distinct", measured(count=None, distinct="transfer_id")),
    ("measures.n.previous", measured(count=None, previous="transfer_id")),
    ("measures.n.match.transfer_id", measured(match={"transfer_id": "transfer_id"})),
    ("measures.n.where.kind[1]", measured(where={"kind": ["card", "wire"]})),
    ("measures.n.where.country", measured(where={"country": 1})),
    ("measures.n.where.country", measured(where={"country": []})),
    ("measures.n.where.country", measured(where={"country": {"between": ["A", "B"]}})),
    ("measures.n.where.amount", measured(where={"amount": "1"})),
    ("measures.n.where.amount", measured(where={"amount": {"gt": 1}})),
    ("measures.n.where.amount.between", measured(where={"amount": {"between": [1]}})),
    ("measures.n.where.amount.between[1]", measured(where={"amount": {"between": [2, 1]}})),
    ("measures.n.where.amount.between[0]", measured(where={"amount": {"between": [1.5, 2]}})),
    ("measures.n.where.amount", measured(where={"amount": list(range(257))})),
    # conditions
    *(("when", when(bad)) for bad in (True, 1, "amount > 1", [], {}, [LARGE], {**LARGE, "not": LARGE})),
    *(("when", when({bad: [AMOUNT, 1]})) for bad in ("regex", "matches", "GT", "exec", "__class__", "eval")),
    *(
        ("when", when(bad))
        for bad in (AMOUNT, {"measure": "n"}, {"times": [AMOUNT, 2]}, {"field": "country"})
    ),
    *(("when.all", when({"all": bad})) for bad in ([], LARGE, [LARGE] * 17, "x")),
    ("when.any[1]", when({"any": [LARGE, AMOUNT]})),
    ("when.not", when({"not": [LARGE]})),
    ("when.known", when({"known": 5})),
    ("when.known", when({"known": [AMOUNT]})),
    ("when.known.field", when({"known": {"field": "name"}})),
    *(
        ("when.gt", when({"gt": bad}))
        for bad in (AMOUNT, [AMOUNT], [AMOUNT, 1, 2], [], "x", [1, 2], [COUNTRY, "KR"])
    ),
    ("when.gt", when({"gt": [{"plus": [1, 2]}, {"minus": [3, {"plus": [1, 1]}]}]})),
    ("when.eq", when({"eq": ["a", "a"]})),
    ("when.eq", when({"eq": [AMOUNT, "1"]})),
    ("when.eq", when({"eq": [COUNTRY, 82]})),
    ("when.eq", when({"eq": [AMOUNT, COUNTRY]})),
    ("when.eq", when({"eq": [{"field": "kind"}, "wire"]})),
    ("when.ne", when({"ne": ["refused", {"field": "status"}]})),
    *(
        ("when.gt[1]", when({"gt": [AMOUNT, bad]}))
        for bad in (1.0, True, None, [1], 10**15 + 1, -(10**15) - 1)
    ),
    *(("when.gt[1]", when({"gt": [AMOUNT, bad]})) for bad in (1e400, float("nan"), {}, {"add": [1, 2]})),
    ("when.gt[0].field", when({"gt": [{"field": "password"}, 1]})),
    ("when.gt[0].field", when({"gt": [{"field": ["amount"]}, 1]})),
    ("when.gt[0].field", when({"gt": [{"field": "lat_e6"}, 1]})),
    ("when.gt[0].measure", when({"gt": [{"measure": "m"}, 1]})),
    ("when.gt[0].measure", when({"gt": [{"measure": {"n": 1}}, 1]})),
    ("when.gt[0]", when({"gt": [{"field": "amount", "measure": "n"}, 1]})),
    ("when.gt[0].times", when({"gt": [{"times": [AMOUNT]}, 1]})),
    *(
        ("when.gt[0].times[1]", when({"gt": [{"times": [AMOUNT, bad]}, 1]}))
        for bad in (0, -1, 1001, "2", AMOUNT)
    ),
    ("when.gt[0].times[0]", when({"gt": [{"times": [{"plus": [AMOUNT, 1]}, 2]}, 1]})),
    ("when.gt[0].times[0]", when({"gt": [{"times": [COUNTRY, 2]}, 1]})),
    ("when.gt[0].plus[1]", when({"gt": [{"plus": [AMOUNT, "x"]}, 1]})),
    ("when.gt[0].minus", when({"gt": [{"minus": [AMOUNT]}, 1]})),
    (
        "when.gt[0].plus",
        text(
            measures=SUMS,
            say=dict.fromkeys(("ko", "en"), "x"),
            when={"gt": [total([f"s{i % 8}" for i in range(10)]), 1]},
        ),
    ),
    *(("when.gt", when({"gt": [{"measure": "to"}, bad]})) for bad in (32, 40, AMOUNT)),
    ("when.le", when({"le": [{"measure": "to"}, 32]})),
    ("when.lt", when({"lt": [32, {"measure": "to"}]})),
    ("when.in", when({"in": [{"measure": "to"}, [3, 32]]})),
    ("when.gt[0].plus[0]", when({"gt": [{"plus": [{"measure": "to"}, 1]}, 5]})),
    ("when.in", when({"in": [COUNTRY]})),
    ("when.in", when({"in": ["KR", ["KR"]]})),
    ("when.in[1]", when({"in": [COUNTRY, []]})),
    ("when.in[1]", when({"in": [COUNTRY, "KR"]})),
    ("when.in[1]", when({"in": [AMOUNT, list(range(257))]})),
    ("when.in[1][1]", when({"in": [COUNTRY, ["KR", 1]]})),
    ("when.in[1][0]", when({"in": [AMOUNT, [COUNTRY]]})),
    ("when.in[1][0]", when({"in": [{"field": "kind"}, ["wire"]]})),
    ("when.listed", when({"listed": [COUNTRY]})),
    ("when.listed[0]", when({"listed": [AMOUNT, "deny"]})),
    ("when.listed[0]", when({"listed": ["KR", "deny"]})),
    ("when.listed[1]", when({"listed": [COUNTRY, "no such list"]})),
    ("when.listed[1]", when({"listed": [COUNTRY, "nowhere"]})),
    ("when.listed[1]", when({"listed": [COUNTRY, ["deny"]]})),
    ("when" + ".not" * 8, when(nested(8))),
    ("when.all[12].gt[1].plus[0]", when({"all": [{"gt": [AMOUNT, {"plus": [1, 1]}]}] * 16})),
]
