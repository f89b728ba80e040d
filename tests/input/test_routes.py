"""Which route a line takes: the one that it names, or the first that matches its URL."""

from __future__ import annotations

import pytest

from fetcher.input import formats, lines
from fetcher.input.formats import LineFormat
from fetcher.input.routes import Routing

RULES = [
    ("eu", ["host:example.de", "host:.fr", "host:Bücher.example"]),
    ("shop", ["url:^https?://[^/]+/shop/", "host:shop.example.de"]),
    ("own", []),
]


def routing(kind: str = "text") -> Routing:
    return Routing(RULES, formats.decoder(LineFormat(kind)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "named", "route"),
    [
        ("http://example.de/", "", "eu"),
        ("https://WWW.Example.DE:8443/a", "", "eu"),
        ("http://example.de./", "", "eu"),
        ("http://notexample.de/", "", "default"),
        ("http://example.de.org/", "", "default"),
        ("http://a.b.fr/", "", "eu"),
        ("http://user:pw@example.de/", "", "default"),  # it is refused, whoever has it
        ("http://bücher.example/", "", "eu"),
        ("http://[::1]:80/shop/1", "", "shop"),
        ("http://a.org/shop/1", "", "shop"),
        ("http://a.org/a?/shop/", "", "default"),
        ("http://example.de/shop/1", "", "eu"),  # the first route that matches
        ("http://shop.example.de/", "", "eu"),
        ("http://a.org/", "own", "own"),
        ("http://example.de/", "own", "own"),
        ("http://example.de/", "default", "default"),
        ("http://example.de/", "unknown", "eu"),
        ("not a URL", "", "default"),
        ("", "", "default"),
    ],
)
def test_the_route_of_a_line(url: str, named: str, route: str) -> None:
    made = routing()
    assert made.names[made.of(url, named)] == route


def test_routes_that_lines_name_and_nobody_declared_are_kept_to_be_reported() -> None:
    made = routing()
    for name in ("us", "eu", "us", "asia"):
        made.of("http://a/", name)
    assert made.unknown == ["us", "asia"]
    for number in range(1000):
        made.of("http://a/", f"r{number}")
    assert len(made.unknown) <= 20


def test_each_url_line_of_a_batch_has_one_route_and_is_counted_once() -> None:
    made = routing("jsonl")
    texts = [
        b'{"url": "http://example.de/"}',
        b"# a comment",
        b'{"url": "http://a.org/", "route": "own"}',
        b'{"url": "http://a.org/"}',
        b"{not JSON",
        b'{"url": "http://a.org/", "route": 7}',
    ]
    (batch,) = lines.batches([texts], 100)
    assert made.masks(batch) == (0b111000, 0b000001, 0, 0b000100)
    assert made.masks(batch) == (0b111000, 0b000001, 0, 0b000100)
    assert made.seen == [3, 1, 0, 1]


def test_the_columns_of_a_csv_file_may_name_the_route() -> None:
    found = LineFormat("csv", columns=("url", "route"), url_column="url", keep_columns=True)
    made = Routing(RULES, formats.decoder(found))
    batch = lines.make_batch(0, 3, [b"http://a/,eu", b"http://a/,", b"http://a/,bus 12"])
    assert made.masks(batch) == (0b110, 0b001, 0, 0)
    task = formats.decoder(found)(1, b"http://a/,eu")
    assert (task.route, task.columns) == ("eu", {"route": "eu"}), "it may mean something else, too"
