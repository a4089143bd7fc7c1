"""The looks of this pack's own pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Final

STYLE: Final = Path(__file__).parent / "style.css"
