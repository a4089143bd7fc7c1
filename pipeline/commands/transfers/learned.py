"""learn, learned: a score from what became of payments, from its trees to the second when it counts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands.actor import do
from pipeline.commands.common import fields, json_option, list_if_bare, report, table
from pipeline.commands.transfers.asked import VERSION, open_transfers, rows_of
from pipeline.figures import moment
from pipeline.online.transfers import learning
from scheduler import open_lake

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_version = click.argument("version", type=VERSION)


@click.command("learn")
@click.option("--days", type=click.IntRange(3, 365), default=60, show_default=True, help="Days to look at.")
@click.option(
    "--label-delay",
    type=click.FloatRange(0, 90),
    metavar="DAYS",
    help="Days until an outcome is known; else as long as most took so far.",
)
@json_option
def learn(days: int, label_delay: float | None, *, as_json: bool) -> None:
    """Learn a score from what became of payments; it counts for nothing until it is approved."""
    delay = None if label_delay is None else timedelta(days=label_delay)
    with open_transfers() as desk:
        version = do(desk, "learn_score")["version"]
        try:
            learnt = learning.learn(desk.state, open_lake(desk.settings), days, delay, desk.state.clock())
            learning.keep(desk.state, version, learnt)
        except BaseException:
            learning.forget(desk.state, version)
            raise
    content = {"version": version, "sha256": learnt["sha256"], "measured": learnt["measured"]}
    report(content, as_json=as_json, text=f"version {version}\n{measured_text(learnt['measured'])}")


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def learned(context: click.Context, *, as_json: bool) -> None:
    """Versions of the learned score: submit, approve by somebody else, retire."""
    list_if_bare(context, list_learned, as_json=as_json)


@learned.command("list")
@json_option
def list_learned(*, as_json: bool) -> None:
    """List versions, the newest first, with how good they are beside their controls."""
    with open_transfers() as desk:
        rows, zone = rows_of(desk, "learned_models"), desk.zone
    text = "\n\n".join(
        f"{fields({k: v for k, v in row.items() if k != 'measured'}, zone)}\n{measured_text(row['measured'])}"
        for row in rows
    )
    report({"versions": rows}, as_json=as_json, text=text or "nothing was learned yet")


@learned.command("submit")
@_version
@json_option
def submit_learned(version: int, *, as_json: bool) -> None:
    """Hand a version in that beats the amount alone and the rules."""
    _changed("submit_learned_score", version, "is handed in", as_json=as_json)


@learned.command("approve")
@_version
@click.option("--sha256", help="The hash of what you have seen.")
@json_option
def approve_learned(version: int, sha256: str | None, *, as_json: bool) -> None:
    """Let a version count that somebody else has learned."""
    _changed("approve_learned_score", version, "counts", {"sha256": sha256}, as_json=as_json)


@learned.command("retire")
@_version
@click.option("--reason", required=True, help="Why; it is kept and shown.")
@json_option
def retire_learned(version: int, reason: str, *, as_json: bool) -> None:
    """Let the live version count no longer."""
    _changed("retire_learned_score", version, "is retired", {"reason": reason}, as_json=as_json)


def _changed(
    act: str, version: int, said: str, given: Mapping[str, Any] | None = None, *, as_json: bool
) -> None:
    with open_transfers() as desk:
        content = do(desk, act, str(version), given)
        start, zone = content.get("from_at"), desk.zone
    since = f" from {moment(start, zone, seconds=True)} on" if start else ""
    report(content, as_json=as_json, text=f"version {version} of the learned score {said}{since}")


def measured_text(measured: Mapping[str, Any]) -> str:
    """How good a version is beside the amount alone and the rules, for people."""
    if not measured:
        return "nothing was learned yet"
    test = measured["test"]
    rows = [{"at as many alerts": name, **test[name]} for name in ("learned", "amount", "rules")]
    shown: dict[str, Callable[[Any], str]] = {
        "at as many alerts": str,
        "alerts": str,
        "caught": str,
        "precision": lambda share: "-" if share is None else f"{share:.1%}",
        "interval": lambda ends: " to ".join(f"{end:.1%}" for end in ends),
    }
    of = measured["trained_on"]
    head = f"learned from {of['events']} payments with {of['frauds']} frauds"
    seen = f"measured on {test['events']} payments with {test['frauds']} frauds since {measured['split']}"
    why_off = measured["why_off"]
    end = f"it stays off: {why_off}" if why_off else "it may be handed in"
    return "\n".join([head, seen, table(rows, shown), end])
