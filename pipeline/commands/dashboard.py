"""dashboard: the page, in the process that this command becomes."""

from __future__ import annotations

import os

import click

from pipeline.commands.common import read_settings


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: MINUTERISK_DASHBOARD_PORT.")
def dashboard(address: str, port: int | None) -> None:
    """Show the dashboard until stopped; to other machines only where people sign in (`minuterisk users`)."""
    from app.serve import dashboard_command, dashboard_environment  # noqa: PLC0415 - only this command needs it

    settings = read_settings()
    environment = dashboard_environment(settings, os.environ)
    command = dashboard_command(settings, address, port)
    os.execve(command[0], command, environment)  # noqa: S606 - our own interpreter, no shell
