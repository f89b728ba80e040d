"""Compares two sets of lines by the sums of their fingerprints, without keeping the lines.

The fingerprints (input.lines.fingerprint) of one set are added to a number, and those of the other
are subtracted.
"""

from __future__ import annotations

from typing import Final

_MODULUS: Final = 1 << 64  # fingerprints have 64 bits


def is_balanced(total: int) -> bool:
    """Whether both sets had the same lines, each as often."""
    return total % _MODULUS == 0
