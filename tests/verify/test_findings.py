"""Findings are counted, and the first of each kind are listed."""

from __future__ import annotations

from fetcher.verify.findings import MAX_LISTED, Findings


def test_only_the_first_of_each_kind_are_listed() -> None:
    findings = Findings()
    for line in range(1, MAX_LISTED + 5):
        findings.add("no row", f"line {line}")
    findings.add("damaged", "part-00000")
    assert findings.counts == {"no row": MAX_LISTED + 4, "damaged": 1}
    assert findings.listed[0] == "line 1: no row"
    assert findings.listed[MAX_LISTED - 1 :] == [
        f"line {MAX_LISTED}: no row",
        "part-00000: damaged",
    ]
