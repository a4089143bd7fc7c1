"""The domains, each a pack: what it counts, judges and says, as pure functions.

A pack is the same word in every folder of code (pipeline/packs, baselines, queries, app, data) and in tests.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pipeline.pack import Pack

#: Where each pack lives: a module with one value, PACK. Imported when it is asked for.
PACKS: Final = {"merchants": "pipeline.packs.merchants", "transfers": "pipeline.packs.transfers"}

#: What an installation ran before there were packs: its files keep their names and places.
FIRST: Final = next(iter(PACKS))


def manifest_name(pack: str) -> str:
    """The file under the home that lists what a pack has published."""
    return "manifest.json" if pack == FIRST else f"manifest-{pack}.json"


def load_pack(name: str) -> Pack[Any, Any]:
    """The pack of that name; raises SettingsError for an unknown one."""
    if name not in PACKS:
        msg = f"there is no pack {name!r}"
        raise SettingsError(msg, f"known are {', '.join(PACKS)}")
    pack: Pack[Any, Any] = importlib.import_module(PACKS[name]).PACK
    if pack.name != name:  # it would write, and delete, in the folders of another one
        msg = f"the pack {name!r} of {PACKS[name]} calls itself {pack.name!r}"
        raise SettingsError(msg, "give it the same name in PACKS and in PACK")
    return pack
