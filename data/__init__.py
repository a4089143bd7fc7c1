"""Stand-ins for what cannot be here: a company's database for each pack, and Slack."""

from typing import Final

#: The module of each pack that fills its stand-in; imported when it is asked for.
SIMULATORS: Final = {"merchants": "data.merchants.history"}
