"""Stand-ins for what cannot be here: a company's database for each pack, and Slack."""

from typing import Final

#: The module of each pack that fills its stand-in; a list, which no command reads yet.
SIMULATORS: Final = {"merchants": "data.merchants.history", "transfers": "data.transfers.history"}
