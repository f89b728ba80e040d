"""Text that UTF-8 cannot encode is escaped."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fetcher.rows.printable import encodable, printable


@given(st.text())
def test_any_text_can_be_encoded(text: str) -> None:
    made = encodable(text)
    assert made.encode("utf-8").decode("utf-8") == made
    assert encodable(made) == made


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_valid_text_stays(text: str) -> None:
    assert encodable(text) == text


def test_texts_are_escaped_however_deep_they_are() -> None:
    bad, good = "a\ud800", "a\\ud800"
    assert printable({"k": [bad, (bad, 1)], "n": None}) == {"k": [good, [good, 1]], "n": None}
    assert printable(bad) == good
    assert printable(1.5) == 1.5
