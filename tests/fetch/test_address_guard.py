"""The address guard denies the listed networks, also inside IPv6, and allows those of settings."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.fetch.address_guard import _DENIED, Guard, literal

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.0.3.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::",
    "2001:4860:4860::8888",
    "2001:db7:ffff::",
    "2001:db9::",
    "2606:4700::1111",
    "2a00:1450:4001::200e",
    "3ffe:ffff::",
    # What wraps a public IPv4 address.
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
    "2a00:1450::5efe:808:808",
]

# An address, and words of its refusal.
REFUSED = [
    ("0.0.0.0", "this host"),
    ("0.1.2.3", "this host"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "provider"),
    ("100.100.100.200", "provider"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.255", "loopback"),
    ("168.63.129.16", "metadata"),
    ("169.254.1.1", "link-local"),
    ("169.254.169.254", "metadata"),
    ("172.16.0.0", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "protocols"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4"),
    ("192.168.1.1", "private"),
    ("198.19.255.255", "benchmarks"),
    ("198.51.100.7", "documentation"),
    ("203.0.113.7", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "this host"),
    ("::1", "loopback"),
    ("::ffff:127.0.0.1", "127.0.0.1, a loopback"),
    ("::ffff:7f00:1", "127.0.0.1, a loopback"),
    ("0:0:0:0:0:ffff:a00:1", "10.0.0.1, a private"),
    ("::127.0.0.1", "127.0.0.1, a loopback"),
    ("::2", "0.0.0.2, an address of this host"),
    ("64:ff9b::7f00:1", "127.0.0.1, a loopback"),
    ("64:ff9b::169.254.169.254", "169.254.169.254, a cloud's metadata"),
    ("64:ff9b:1::808:808", "translator"),
    ("64:ff9b:2::1", "no public"),
    ("::ffff:0:127.0.0.1", "no public"),
    ("100::1", "discards"),
    ("100:0:0:1::", "no public"),
    ("2001::1", "Teredo"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001:2::1", "protocols"),
    ("2001:1ff:ffff::", "protocols"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::1", "127.0.0.1, a loopback"),
    ("2002:c0a8:101::", "192.168.1.1, a private"),
    ("3fff:fff::1", "documentation"),
    ("4000::1", "no public"),
    ("5f00::1", "segment routing"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fdff::1", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("::1%lo", "loopback"),
    ("fec0::1", "site-local"),
    ("feff::1", "site-local"),
    ("ff02::1", "multicast"),
    ("2a00:1450::5efe:a00:1", "10.0.0.1, a private"),
    ("2a00:1450::200:5efe:7f00:1", "127.0.0.1, a loopback"),
]

NO_ADDRESS = ["", "localhost", "127.1", "1.2.3.4.5", "0x7f000001", "[::1]", "::g", "1.2.3.4\x00"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_connected_to(address: str) -> None:
    assert Guard(()).refusal(address) is None


@pytest.mark.parametrize(("address", "words"), REFUSED)
def test_a_special_address_is_refused_with_its_kind(address: str, words: str) -> None:
    refusal = Guard(()).refusal(address)
    assert refusal is not None
    assert refusal.startswith(f"{address} is ")
    assert words in refusal
    assert refusal.endswith("(guard.allow opens it)")


@pytest.mark.parametrize("text", NO_ADDRESS)
def test_text_that_is_not_an_address_is_refused(text: str) -> None:
    refusal = Guard(("0.0.0.0/0", "::/0")).refusal(text)
    assert refusal is not None
    assert "is not an IP address" in refusal


def test_the_plain_words_of_a_refusal() -> None:
    guard = Guard(())
    assert guard.refusal("127.0.0.1") == "127.0.0.1 is a loopback address (guard.allow opens it)"
    assert guard.refusal("::ffff:127.0.0.1") == (
        "::ffff:127.0.0.1 is 127.0.0.1, a loopback address, in IPv6 (guard.allow opens it)"
    )


@pytest.mark.parametrize("network", [network for network, _ in _DENIED])
def test_each_denied_network_is_denied_from_its_first_to_its_last_address(network: str) -> None:
    net = ipaddress.ip_network(network)
    guard = Guard(())
    for address in (net[0], net[-1], net[net.num_addresses // 2]):
        assert guard.refusal(str(address)) is not None


@given(st.ip_addresses())
def test_nothing_is_passed_that_the_standard_library_calls_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        wraps = address.version == 6 and (address.sixtofour or address.ipv4_mapped)
        passed = Guard(()).refusal(str(address)) is None
        # NAT64 and IPv4-compatible count as reserved there; here they are what they wrap.
        assert not passed or wraps or address in ipaddress.ip_network("::/8")


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_as_the_address_itself(
    address: ipaddress.IPv4Address,
) -> None:
    guard = Guard(())
    plain = guard.refusal(str(address)) is None
    number = int(address)
    wrapped = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64_FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 7),
        ipaddress.IPv6Address((0x2A00 << 112) | (0x5EFE << 32) | number),
    ]
    assert [guard.refusal(str(each)) is None for each in wrapped] == [plain] * 4


# What is opened, and addresses that it opens and does not open.
OPENED = [
    ("127.0.0.1/32", ["127.0.0.1", "::ffff:127.0.0.1"], ["127.0.0.2", "::1", "10.0.0.1"]),
    (
        "10.0.0.0/8",
        ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::1", "::10.1.2.3"],
        ["127.0.0.1", "192.168.0.1", "::ffff:127.0.0.1", "fc00::1", "2002:7f00:1::"],
    ),
    ("::1/128", ["::1", "0:0:0:0:0:0:0:1", "::1%lo"], ["127.0.0.1", "::", "::2", "fe80::1"]),
    ("fe80::/10", ["fe80::1", "fe80::1%eth0"], ["fec0::1", "169.254.0.1"]),
    ("::ffff:0:0/96", ["::ffff:127.0.0.1"], ["127.0.0.1", "::127.0.0.1"]),
    ("2001:db8::/32", ["2001:db8::1"], ["2001::1", "3fff::1"]),
    ("4000::/3", ["4000::1", "5f00::1"], ["6000::1"]),
    ("0.0.0.0/0", ["127.0.0.1", "255.255.255.255", "::ffff:127.0.0.1"], ["::1", "fe80::1"]),
    ("::/0", ["::1", "fe80::1", "::ffff:127.0.0.1"], ["127.0.0.1", "10.0.0.1"]),
]


@pytest.mark.parametrize(("network", "opened", "closed"), OPENED)
def test_a_network_in_allow_opens_exactly_what_it_says(
    network: str, opened: list[str], closed: list[str]
) -> None:
    guard = Guard([network])
    assert [address for address in opened if guard.refusal(address) is not None] == []
    assert [address for address in closed if guard.refusal(address) is None] == []


def test_what_is_opened_takes_nothing_from_the_public_internet() -> None:
    guard = Guard(["10.0.0.0/8", "::1/128"])
    assert [address for address in PUBLIC if guard.refusal(address) is not None] == []


# Hosts as a Target has them.
LITERALS = ["127.0.0.1", "0.0.0.0", "255.255.255.255", "::1", "::", "::ffff:7f00:1", "2001:db8::a"]
NAMES = ["", ".", "example.com", "127.0.0.1.example.com", "cafe", "0x7g", "-1", "1_0", "1.2.3.4.5"]


@pytest.mark.parametrize("host", LITERALS)
def test_a_host_that_is_an_address_is_known(host: str) -> None:
    assert literal(host) == host


@pytest.mark.parametrize("host", NAMES)
def test_a_host_that_is_not_an_address_is_a_name(host: str) -> None:
    assert literal(host) is None


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_name(host: str) -> None:
    address = literal(host)
    assert address is None or Guard(["0.0.0.0/0", "::/0"]).refusal(address) is None
