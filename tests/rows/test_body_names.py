"""Names of bodies' files: made from rows, and read from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.rows.body_names import BodyFile, body_file, parsed
from fetcher.rows.media_types import EXTENSIONS

URL = "http://a.test"
DIGEST = "ab12" + "c" * 60


def test_each_extension_makes_a_name_that_is_read_again() -> None:
    for extension in EXTENSIONS:
        name = body_file("typed", DIGEST, None, f"{URL}/a{extension}")
        said = parsed(name)
        assert said is not None
        assert (said.path, said.digest, said.names) == (name, DIGEST, "typed")
    old = body_file("sha256", DIGEST, "image/png", f"{URL}/a.png")
    assert parsed(old) == (f"bodies/ab/12/{DIGEST}", DIGEST, "sha256")


@pytest.mark.parametrize(
    "name",
    [
        "",
        DIGEST,
        f"ab/13/{DIGEST}",
        f"bodies/ab/12/{DIGEST}",
        f"ab/12/{DIGEST}.png",
        f"bodies/ab/12/{DIGEST}.",
        f"bodies/ab/12/{DIGEST}.PNG",
        f"bodies/ab/12/{DIGEST}.png/../../x",
        f"bodies/ab/12/{DIGEST}.png\n",
        f"../bodies/ab/12/{DIGEST}.png",
        f"/bodies/ab/12/{DIGEST}.png",
    ],
)
def test_no_other_text_is_a_bodys_name(name: str) -> None:
    assert parsed(name) is None


def test_a_name_has_two_folders_and_an_extension() -> None:
    name = body_file("typed", DIGEST, "image/png", URL)
    assert name == f"bodies/ab/12/{DIGEST}.png"
    assert parsed(name) == BodyFile(name, DIGEST, "typed")
    assert parsed(f"bodies/ab/12/{DIGEST}.x9") is not None, "another version may know it"


@given(st.text(), st.sampled_from(["", "bodies/"]))
def test_any_text_is_a_name_or_it_is_not(text: str, begin: str) -> None:
    assert parsed(begin + text) is None
