"""A score learned from reported frauds: at most 30 points, with its reasons, never a block alone. Pure.

Gradient boosted trees, trained elsewhere and kept as text. Here they are read strictly, walked by our own few
lines, in bulk and alone to the same bit, and each score names what moved it most.
"""

from __future__ import annotations

from pipeline.packs.transfers.learned.model import LEARNED_SCORE, Learned, read_learned

__all__ = ["LEARNED_SCORE", "Learned", "read_learned"]
