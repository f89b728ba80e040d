"""Keys are hashes of key texts."""

from __future__ import annotations

from fetcher.frontier.keys import as_keys, digests_of
from fetcher.frontier.links import encoded


def test_keys_depend_on_the_secret_and_not_on_the_machine() -> None:
    assert digests_of([b"http://h/"], 1) != digests_of([b"http://h/"], 2)
    assert digests_of(encoded(["http://h/"]), 1)[0].hex() == "67b56e02719b4f55b44038fad9357bb8"
    assert as_keys([bytes(range(16))]).tolist() == [[0x0706050403020100, 0x0F0E0D0C0B0A0908]]
    assert as_keys([]).shape == (0, 2)
