"""Counts of what this process has turned away, by reason. A process is one role.

Reasons are a few fixed words, never text that a peer has sent.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

DROPPED: Final[Counter[str]] = Counter()  # messages: malformed, unexpected or contradictory
REFUSED: Final[Counter[str]] = Counter()  # peers
