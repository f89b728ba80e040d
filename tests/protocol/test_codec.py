"""The exact bytes of each message, and the refusal of all bytes that are not a message."""

from __future__ import annotations

import math
import random
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.errors import WireError
from fetcher.protocol import bounds, codec, messages
from fetcher.settings import describe
from support.messages import EXAMPLES

GOLDEN = dict(
    line.split() for line in Path(__file__).with_name("golden_wire.txt").read_text().splitlines()
)
OPTIONAL = {
    "tasks": {"output", "tags"},
    "tasks_of_a_crawl": {"output", "tags", "crawl"},
    "tasks_after_a_log_in": {"output", "tags", "logs_in"},
    "tasks_of_a_route": {"output", "tags", "route"},
    "chunk": {"kept_bytes", "tags", "empty", "retried"},
    "chunk_of_a_crawl": {"kept_bytes", "tags", "empty", "retried", "depths", "hops", "link_bytes"},
    "chunk_of_a_refresh": {"kept_bytes", "tags", "empty", "retried", "unchanged"},
    "returned": {"mask"},
    "returned_some": {"mask"},
    "heartbeat": {"longest_s", "slow", "waiting", "is_hungry"},
    "heartbeat_of_a_route": {"longest_s", "slow", "waiting", "is_hungry", "routes"},
    "open": {"share", "output", "job"},
    "open_some": {"share", "output", "job"},
    "open_of_a_crawl": {"share", "output", "job"},
    "open_of_a_refresh": {"share", "output", "job"},
    "opened": {"output", "key"},
    "opened_of_a_crawl": {"output", "key", "crawl"},
    "poll": {"suspects", "url_lines"},
    "poll_of_a_crawl": {"suspects", "url_lines", "log_from"},
    "committed": {"stalled"},
    "committed_of_a_crawl": {"stalled", "crawl", "log"},
    "seeded": {"stalled"},
    "progress": {"samples", "lag_ms", "turns_s", "most_in_flight"},
    "roster": {"samples"},
    "roster_with_routes": {"samples", "routes"},
    "owned": {"answers"},
    "state": {"is_watched", "is_hungry", "copied", "turns"},
    "state_with_routes": {"is_watched", "is_hungry", "copied", "turns", "routes"},
    "state_of_a_crawl": {"is_watched", "is_hungry", "copied", "turns", "crawl"},
}


def fields(name: str) -> dict[str, Any]:
    """The golden message as a map."""
    return dict(msgpack.unpackb(bytes.fromhex(GOLDEN[name])[1:], strict_map_key=False))


_VERSION = bytes([codec.VERSION])


def decode_raw(value: Any, *frames: bytes) -> messages.AnyMessage:
    return codec.decode([_VERSION + msgpack.packb(value), *frames])[0]


def test_every_message_type_has_an_example() -> None:
    assert {type(message) for message, _ in EXAMPLES.values()} == set(messages.AnyMessage.__args__)
    assert set(GOLDEN) == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_bytes_of_a_message_never_change_within_a_version(name: str) -> None:
    message, frame = EXAMPLES[name]
    frames = codec.encode(message, frame)
    assert frames[0].hex() == GOLDEN[name], "raise codec.VERSION if this is meant"
    assert frames[1:] == ([] if frame is None else [frame])


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_is_encoded_is_decoded(name: str) -> None:
    message, frame = EXAMPLES[name]
    assert codec.decode(codec.encode(message, frame)) == (message, frame or b"")


@pytest.mark.parametrize("name", EXAMPLES)
def test_unknown_missing_and_wrong_keys_are_refused(name: str) -> None:
    frames = [b"x"] if EXAMPLES[name][1] is not None else []
    good = fields(name)
    with pytest.raises(WireError):
        decode_raw({**good, "surprise": 1}, *frames)
    for key in set(good) - OPTIONAL.get(name, set()):
        with pytest.raises(WireError):
            decode_raw({k: v for k, v in good.items() if k != key}, *frames)
        with pytest.raises(WireError):
            decode_raw({**good, key: [[object.__name__]]}, *frames)


@pytest.mark.parametrize(
    "change",
    [
        {"lines": -1},
        {"wanted": {"outcomes": [], "statuses": ["6xx"]}},
        {"wanted": {"outcomes": ["x" * 21], "statuses": []}},
        {"parent": "x" * 5000},
        {"surprise": 1},
    ],
)
def test_a_selection_is_bounded(change: dict[str, Any]) -> None:
    good = fields("open_some")
    good["input"]["selection"] |= change
    with pytest.raises(WireError):
        decode_raw(good)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 5, 0x84, 0xFF])
def test_another_version_is_refused(version: int) -> None:
    with pytest.raises(WireError, match="not a message of wire version 4"):
        codec.decode([bytes([version]) + bytes.fromhex(GOLDEN["bye"])[1:]])


def test_a_message_of_an_older_version_is_refused_by_its_version() -> None:
    """Up to version 2 a message was a map whose first entry was its version."""
    with pytest.raises(WireError, match="not a message of wire version 4"):
        codec.decode([msgpack.packb({"v": 2, **fields("bye")})])


def test_an_older_version_takes_a_message_for_one_of_another_version() -> None:
    """It expects a map of one to fifteen entries."""
    first_bytes = {codec.encode(message, frame)[0][0] for message, frame in EXAMPLES.values()}
    assert not first_bytes & set(range(0x81, 0x90))


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b""],
        [b"\xc1"],
        [_VERSION],
        [_VERSION + b"\xc1"],
        [_VERSION + b"\x80"],
        [_VERSION + b"\x90"],
        [_VERSION + b"\xff" * 100],
        [_VERSION + b"\x81" * 100_000],
        [_VERSION + b"\x81\xa1x" + b"\x91" * 100_000],  # deeper than the decoder follows
        [_VERSION + b"\xdd\xff\xff\xff\xff"],
        [_VERSION + b"\xdf\xff\xff\xff\xff"],
        [_VERSION + b"\xdb\xff\xff\xff\xff"],
        [_VERSION + b"\x91" * 2000],
        [_VERSION + msgpack.packb(msgpack.ExtType(5, b"x"))],
        [_VERSION + msgpack.packb({"t": msgpack.ExtType(5, b"x")})],
        [b"a", b"b", b"c"],
        [bytes.fromhex(GOLDEN["bye"]) + b"\x00"],
        [bytes.fromhex(GOLDEN["bye"]), b"a frame too many"],
        [bytes.fromhex(GOLDEN["tasks"])],
    ],
)
def test_hostile_bytes_are_wire_errors(frames: list[bytes]) -> None:
    with pytest.raises(WireError):
        codec.decode(frames)


def test_oversized_frames_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(codec, "MAX_HEADER_BYTES", 10)
    with pytest.raises(WireError, match="oversized"):
        codec.decode([bytes.fromhex(GOLDEN["bye"])])
    monkeypatch.setattr(codec, "MAX_HEADER_BYTES", 1000)
    monkeypatch.setattr(codec, "MAX_FRAME_BYTES", 3)
    with pytest.raises(WireError, match="oversized"):
        codec.decode([bytes.fromhex(GOLDEN["tasks"]), b"four"])


@given(st.binary(max_size=200))
def test_random_bytes_never_raise_anything_but_wire_errors(data: bytes) -> None:
    for header in (data, _VERSION + data):
        with pytest.raises(WireError):
            codec.decode([header])


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        # Sums of these would fit into no other message, and into no journal.
        ("heartbeat", {"in_flight": 1 << 63}),
        ("heartbeat", {"held": [1 << 63]}),
        ("heartbeat", {"longest_s": [math.nan]}),
        ("heartbeat", {"slow": {1: b"\1" * 1251}}),
        ("heartbeat", {"slow": dict.fromkeys(range(bounds.MAX_SLOW + 1), b"\1")}),
        ("progress", {"turns_s": dict.fromkeys(range(bounds.MAX_TURNS + 1), 1.0)}),
        ("state", {"turns": {"longest_s": math.inf, "is_all": True}}),
        ("chunk", {"body_bytes": [1 << 63, 0]}),
        ("tasks", {"first_line": (1 << 62) + 1}),
        # Each status has a count of its own.
        ("chunk", {"statuses": [200, 1000]}),
        ("chunk", {"statuses": [200] * 10_001}),
        ("tasks", {"mask": b"\1" * 1251}),
        # A host would rest for ever, or in no order.
        ("release", {"rests_s": [math.inf]}),
        ("release", {"rests_s": [math.nan]}),
        ("release", {"rests_s": [-1.0]}),
        # The manifest could not be read again.
        ("open", {"settings": {"http": {"x": math.nan}}}),
        ("open", {"batch_size": 0}),
        ("opened", {"batch_size": 10_001}),
        ("refused", {"exit_code": 99}),
        ("roster", {"oldest_s": math.nan}),
        ("roster", {"rate_per_s": math.inf}),
        ("roster", {"trouble": "x" * 501}),
        ("roster", {"workers": fields("roster")["workers"] * 201}),
        ("state", {"source": {"fraction": math.nan}}),
    ],
)
def test_values_that_have_no_place_are_refused(name: str, changes: dict[str, Any]) -> None:
    frames = [b"x"] if EXAMPLES[name][1] is not None else []
    decode_raw(fields(name), *frames)
    with pytest.raises(WireError):
        decode_raw({**fields(name), **changes}, *frames)


def test_the_longest_batch_and_chunk_that_the_settings_allow_are_taken() -> None:
    (most,) = describe.setting("job.batch_size").bounds
    assert most.le == bounds.MAX_BATCH_LINES
    rows = {"lines": list(range(1, 10_001)), "row_bytes": [2] * 10_000, "outcomes": [0] * 10_000}
    rows |= {"statuses": [200] * 10_000, "body_bytes": [(1 << 63) - 1] * 10_000}
    decode_raw({**fields("chunk"), **rows, "batch_mask": b"\xff" * 1250}, b"{}" * 10_000)
    decode_raw({**fields("tasks"), "mask": b"\xff" * 1250}, b"x")


def test_as_many_hosts_as_there_are_go_into_messages_that_are_taken() -> None:
    hosts = [(1 << 63) - 1] * (bounds.MAX_HOSTS + 1)
    parts = [hosts[part] for part in messages.parts(len(hosts))]
    assert [len(part) for part in parts] == [bounds.MAX_HOSTS, 1]
    rests_s = [86_400.0] * bounds.MAX_HOSTS
    codec.decode(codec.encode(messages.Release("w", parts[0], parts[0], rests_s)))
    with pytest.raises(WireError):
        codec.decode(codec.encode(messages.Want("w", 1, hosts)))


@pytest.mark.parametrize("heavy", [b"\x80", b"\x90", b"\xc0", b"\xa1x", b"\x91"])
def test_a_header_costs_little_memory_whatever_is_in_it(heavy: bytes) -> None:
    count = 2_000_000
    items = struct.pack(">BI", 0xDD, count) + heavy * count
    good = bytes.fromhex(GOLDEN["want"])
    bomb = good[:1] + bytes([good[1] + 1]) + good[2:] + b"\xa1x" + items
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            codec.decode([bomb])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(bomb)


def test_mutated_messages_are_messages_or_wire_errors() -> None:
    dice = random.Random(1)
    good = [bytes.fromhex(text) for text in GOLDEN.values()]
    survived = 0
    for _ in range(20_000):
        data = bytearray(dice.choice(good))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(data))
            match dice.randrange(3):
                case 0:
                    data[at] = dice.randrange(256)
                case 1:
                    del data[at:]
                    data += b"\xc0"
                case _:
                    data[at:at] = dice.randbytes(dice.randint(1, 3))
        try:
            message, _ = codec.decode([bytes(data)] + [b"f"] * dice.randrange(2))
        except WireError:
            continue
        survived += 1
        assert isinstance(message, bounds.Message)
    assert survived > 0, "the mutations are too rough to say anything"


def test_a_share_beyond_the_number_of_sinks_is_refused() -> None:
    with pytest.raises(WireError):
        decode_raw({**fields("open"), "share": {"index": 2, "of": 2}})
