"""The command line: `minuterisk COMMAND`. Exit codes: 0 done, 1 failed, 2 wrong use, 3 differences."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any

import click

from pipeline.commands import COMMANDS
from pipeline.errors import MinuteriskError
from pipeline.errors.secrets import clean, clean_streams
from pipeline.figures import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Unread(Exception):
    """Whoever read our output has gone while a command wrote; click itself would end with 1."""


class LazyGroup(click.Group):
    """Finds commands in COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(
            importlib.import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_")
        )
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - whatever the command gives
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _Unread from error


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="minuterisk")
def cli() -> None:
    """Watch everybody's payments, every minute, and say in time who puts how much money at risk, and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; everything that it and its libraries print leaves without secrets."""
    _let_every_letter_through()
    with clean_streams():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    """The only place where an error becomes an exit code."""
    try:
        outcome: Any = cli.main(list(arguments) if arguments is not None else None, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Abort:
        return _fail("stopped by Ctrl-C", 1)
    except click.ClickException as error:
        error.show(sys.stderr)
        return error.exit_code
    except MinuteriskError as error:
        return _fail(str(error), error.exit_code)
    except (BrokenPipeError, _Unread):
        return _unread()
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for people
        return _fault(error)
    return outcome if isinstance(outcome, int) else 0


def _let_every_letter_through() -> None:
    """A terminal that does not know Korean gets escapes: no failure of a command that has done its work."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unread() -> int:
    """The reader of our output has gone: no failure of ours, and Python must not try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return 0


def _fail(text: str, exit_code: int) -> int:
    click.echo(harmless(clean(f"minuterisk: {text}")), err=True)
    return exit_code


def _fault(error: Exception) -> int:
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    what = f"unexpected fault: {type(error).__name__}: {error} ({where})"
    return _fail(f"{what}\n  next: report it with the command you ran", 1)


if __name__ == "__main__":
    sys.exit(main())
