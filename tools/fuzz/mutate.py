"""Golden messages -> messages that are nearly right, by a seed.

The same seed gives the same inputs, in the same order. Values are changed inside the message,
so that most inputs pass the first checks; bytes are changed too, so that some do not.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgpack

from fetcher.frontier.links import Link
from fetcher.protocol import codec, links

Frames = list[bytes]

GOLDEN: Final = Path(__file__).resolve().parents[2] / "tests" / "protocol" / "golden_wire.txt"
ROWS: Final = b"{}{ }"  # of the golden chunk
URLS: Final = b"http://a\nhttp://b"  # of the golden tasks
# Of the golden chunk of a crawl.
LINKS: Final = links.encode(
    links.PageLinks((Link("http://a/b"), Link("http://a/c#d", "image", "http://a/c")))
)

_ODD: Final[list[Any]] = [
    *(0, 1, -1, 2, 7, 8, 255, 256, 999, 1000, 9_999, 10_000, 10_001, 1 << 16, 1 << 31, 1 << 32),
    *((1 << 53) + 1, (1 << 62) - 1, 1 << 62, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, -(1 << 63)),
    *(0.0, -0.0, 0.5, 1.0, -1.0, 1e308, 5e-324, math.nan, math.inf, -math.inf),
    *(None, True, False, "", "x", "\0", "\n", "é" * 9, "\U0001f600", "a" * 201, "1"),
    *(b"", b"\0", b"\xff", b"\x00" * 9, b"\xff" * 1250, b"\xff" * 1251, b"\n", b"\xc3"),
    *([], [[]], {}, {"": 0}, {0: b""}, [0] * 9, [1, 1], [None], ["u"], ["u", "u", "id"]),
    *("csv", "jsonl", "text", "log", "\t", ",", "running", "finish", "ok"),
]
_TEXTS: Final = [
    *(b"", b"\n", b"\n\n", b"\r", b"\0", b"\xff\xfe", b"http://a", b"{}", b'{"url": "http://a"}'),
    *(b'{"url": 1}', b'{"url": "http://a", "id": 1e999}', b"[" * 2000, b'"', b'""",', b"a,b\tc"),
    *(b'{"url":"http://a","headers":[["a"]]}', b'{"id":18446744073709551616,"url":"x"}'),
    *(
        b"http://[::1",
        b"\xed\xa0\x80",
        b'"\xff\n"',
        b"x" * 33_000,
        b"\xef\xbb\xbf",
        b"http://a\n" * 7,
    ),
]


def header_of(tree: dict[Any, Any]) -> bytes:
    """The header of a message that is given as a map."""
    packed: bytes = msgpack.packb(tree, default=str)
    return bytes([codec.VERSION]) + packed


class Mutator:
    """An endless row of inputs; each is the frames of one message."""

    def __init__(self, seed: int, golden: Path = GOLDEN) -> None:
        self._dice = random.Random(seed)
        lines = [line.split() for line in golden.read_text("ascii").splitlines()]
        self._heads = [bytes.fromhex(packed) for _, packed in lines]
        self._trees = [msgpack.unpackb(head[1:], strict_map_key=False) for head in self._heads]
        for tree in self._trees:
            if tree["t"] == "chunk" and "depths" not in tree:
                tree["batch"] = 1  # of four lines, so that it agrees with its lines
        self._values = [value for tree in self._trees for value in tree.values()]
        self._by_type: dict[type, list[Any]] = {}
        for value in _ODD:
            self._by_type.setdefault(type(value), []).append(value)

    def trees(self) -> Iterator[dict[str, Any]]:
        """The headers as they are before anything is changed."""
        yield from copy.deepcopy(self._trees)

    def inputs(self, count: int) -> Iterator[Frames]:
        for _ in range(count):
            yield self._input()

    def _input(self) -> Frames:
        dice = self._dice
        kind = dice.randrange(10)
        tree: dict[Any, Any] = {}
        if kind == 0:
            head = self._bytes(dice.choice(self._heads))
            tag = ""
        else:
            tree = self._changed(dice.choice(self._trees))
            tag = tree.get("t", "")
            head = header_of(tree)
            if kind == 1:
                head = self._bytes(head)
        if not (tag in ("tasks", "chunk") or kind == 0) or dice.random() < 0.02:
            return [head] if dice.random() < 0.98 else [head, *[b""] * dice.randrange(3)]
        return [head, self._frame(tag, self._links(tree.get("link_bytes")))]

    def _links(self, sizes: Any) -> bytes:
        """Compressed links of the size that a header says, mostly; b"": it has none."""
        if not isinstance(sizes, list):
            return b""
        data = LINKS if self._dice.random() < 0.3 else self._bytes(LINKS)
        size = sum(each for each in sizes if isinstance(each, int))
        return links.packed(data.ljust(size, b"x")[:size] if 0 <= size < 1_000 else data)

    def _frame(self, tag: object, packed_links: bytes) -> bytes:
        dice = self._dice
        if tag == "chunk" and dice.random() < 0.8:
            return ROWS + packed_links
        if dice.random() < 0.4:
            return URLS
        return b"\n".join(dice.choice(_TEXTS) for _ in range(dice.randint(0, 4)))

    # -- inside the message ------------------------------------------------------------------

    def _changed(self, tree: dict[str, Any]) -> dict[Any, Any]:
        # A copy as deep as the changes may go.
        tree = msgpack.unpackb(msgpack.packb(tree), strict_map_key=False)
        for _ in range(self._dice.choice((1, 1, 1, 1, 1, 2, 2, 3))):
            self._change_one(tree)
        return tree

    def _change_one(self, tree: dict[Any, Any]) -> None:
        dice = self._dice
        node: Any = tree
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            # The type is nearly always left alone, because it is checked first.
            key = dice.choice(keys[1:] if node is tree and len(keys) > 1 else keys)
            if isinstance(node[key], dict | list) and dice.random() < 0.7:
                node = node[key]
                continue
            if dice.random() < 0.01:
                key = dice.choice(keys)
            self._replace(node, key)
            return
        self._grow(node)

    def _replace(self, node: Any, key: Any) -> None:
        dice = self._dice
        match dice.randrange(12):
            case 0:
                del node[key]
            case 1:
                self._grow(node)
            case 2:
                node[key] = [node[key]] * dice.choice((1, 2, 30))
            case 3 if isinstance(node[key], list):
                times = dice.choice((0, 2, 3, 5_000))
                # No peer can send more than a header may hold.
                room = codec.MAX_HEADER_BYTES // max(1, len(msgpack.packb(node[key], default=str)))
                node[key] = node[key] * min(times, room)
            case 4:
                node[key] = copy.deepcopy(dice.choice(self._values))
            case 5 if isinstance(node[key], int):
                node[key] = (node[key] + dice.choice((-1, 1))) % (1 << 64)
            case 6:
                node[key] = dice.getrandbits(dice.choice((8, 31, 32, 33, 63, 64)))
            case 7 | 8:
                node[key] = self._odd()
            case _:
                node[key] = self._alike(node[key])

    def _alike(self, value: Any) -> Any:
        """An odd value of the same type, so that it passes the check of that."""
        return copy.deepcopy(self._dice.choice(self._by_type.get(type(value), _ODD)))

    def _grow(self, node: Any) -> None:
        value = self._odd()
        if isinstance(node, list):
            node.insert(self._dice.randint(0, len(node)), value)
        else:
            key = self._odd()
            node[key if isinstance(key, str | int) else "x"] = value

    def _odd(self) -> Any:
        return copy.deepcopy(self._dice.choice(_ODD))  # some are changed again

    # -- its bytes ---------------------------------------------------------------------------

    def _bytes(self, head: bytes) -> bytes:
        dice = self._dice
        data = bytearray(head)
        changes: list[Callable[[bytearray, int], None]] = [
            self._poke,
            self._poke_bit,
            self._cut,
            self._insert,
            self._lie,
            self._splice,
        ]
        for _ in range(dice.randint(1, 4)):
            if data:
                dice.choice(changes)(data, dice.randrange(len(data)))
        return bytes(data)

    def _poke(self, data: bytearray, at: int) -> None:
        data[at] = self._dice.randrange(256)

    def _poke_bit(self, data: bytearray, at: int) -> None:
        data[at] ^= 1 << self._dice.randrange(8)

    def _cut(self, data: bytearray, at: int) -> None:
        del data[at : at + self._dice.choice((1, 2, 8, len(data)))]

    def _insert(self, data: bytearray, at: int) -> None:
        data[at:at] = self._dice.randbytes(self._dice.randint(1, 4))

    def _lie(self, data: bytearray, at: int) -> None:
        """A container or a text that says it is longer than all that follows."""
        size = self._dice.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x00\x0f\xff\xff"))
        data[at : at + 1] = self._dice.choice((b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9")) + size

    def _splice(self, data: bytearray, at: int) -> None:
        other = self._dice.choice(self._heads)
        data[at:] = other[self._dice.randrange(len(other)) :]
