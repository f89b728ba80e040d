"""What this process has turned away, by reason; a process is one role.

Law: reasons are a few fixed words, never anything that a peer has sent.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

DROPPED: Final[Counter[str]] = Counter()  # messages: malformed, unexpected, contradictory
REFUSED: Final[Counter[str]] = Counter()  # peers
