"""serve: the check before a transfer, events handed in, and what fires as it is seen, over HTTP."""

from __future__ import annotations

import click

from pipeline.commands.common import read_settings
from pipeline.embedded import open_urls
from pipeline.errors import UsageError
from scheduler import open_lake, open_state

_PACK = "transfers"


@click.command()
@click.option("--address", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: MINUTERISK_SERVE_PORT.")
def serve(address: str, port: int | None) -> None:
    """Serve the check before a transfer (POST /v1/check), events (/v1/events) and the live feed (/live)."""
    from pipeline.online.transfers.check.run import serve as run  # noqa: PLC0415 - only this command needs it

    settings = read_settings()
    if _PACK not in settings.packs:
        msg = f"MINUTERISK_PACKS does not name {_PACK}, whose payments are checked"
        raise UsageError(msg, f"set MINUTERISK_PACKS={','.join((*settings.packs, _PACK))}")
    urls, own = open_urls(settings), settings.of(_PACK)
    chosen = settings.serve_port if port is None else port
    with open_state(urls, own) as state:
        click.echo(f"serve  http://{f'[{address}]' if ':' in address else address}:{chosen}/live")
        run(own, state, open_lake(own), address, chosen)
