"""Malformed messages by the thousand: dropped, or taken by all that acts on them; never raised on.

`python -m tools.fuzz` runs a million, with any seed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.fuzz.__main__ import Report, fuzz, kept
from tools.fuzz.targets import Roles

FINDINGS = list(kept(Path(__file__).with_name("fuzz_findings.txt")))


@pytest.mark.parametrize("seed", [1, 2])
def test_no_malformed_message_raises_what_its_role_does_not_expect(seed: int) -> None:
    report = Report()
    roles = fuzz(seed, 20_000, report)
    assert not report.findings
    assert roles.taken > 3_000, "the mutations are too rough to reach what acts on messages"


@pytest.mark.parametrize("name", [name for name, _ in FINDINGS])
def test_what_fuzzing_has_found_once_stays_mended(name: str) -> None:
    Roles().take(dict(FINDINGS)[name])


def test_a_finding_is_shown_with_its_shortest_input() -> None:
    report = Report()
    for frames in ([b"long"], [b"l"], [b"longer"]):
        report.finding(ValueError("x"), frames)
    assert list(report.findings.values()) == [[b"l"]]
