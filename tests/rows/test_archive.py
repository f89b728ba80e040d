"""The WARC records of a line, packed for the sink."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.errors import WireError
from fetcher.rows.archive import Member, pack, unpack

RECORDS = [b"response", b"request", b"hop"]
MEMBERS = [Member(len(RECORDS[0]), "digest", "u", "d", b"b", b"a"), Member(7), Member(3)]
PACKED = pack(MEMBERS, b"".join(RECORDS))


def test_each_record_comes_back_with_its_member() -> None:
    found = unpack(PACKED)
    assert [(member, bytes(record)) for member, record in found] == list(
        zip(MEMBERS, RECORDS, strict=True)
    )
    assert unpack(pack([], b"")) == []


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        PACKED[:3],
        PACKED[:-1],
        PACKED + b"x",
        b"\xff\xff\xff\xff" + PACKED[4:],
        pack([Member(1)], b""),
    ],
)
def test_lengths_that_do_not_add_up_are_refused(packed: bytes) -> None:
    with pytest.raises(WireError, match=r"^chunk: "):
        unpack(packed)


@pytest.mark.parametrize("about", [[[0]], [["x"]], {"a": 1}, [[1, "", "", "", b"", b"", 7]]])
def test_a_member_of_another_form_is_refused(about: object) -> None:
    data = msgspec.msgpack.encode(about)
    with pytest.raises(WireError, match=r"^chunk: WARC records: "):
        unpack(len(data).to_bytes(4, "big") + data + b"x")


@given(st.binary(max_size=40))
def test_any_bytes_are_records_or_refused(packed: bytes) -> None:
    try:
        found = unpack(packed)
    except WireError:
        return
    assert sum(len(record) for _, record in found) <= len(packed)
