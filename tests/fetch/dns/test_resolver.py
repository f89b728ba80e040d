"""Names are resolved in bounded time, whatever the name servers do."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from fetcher.fetch.dns import name_servers
from fetcher.settings.schema import parse_server
from support.names import BROKEN, DROP, NO_NAME, Answer, Zone, at, name_server, resolve

NO_ADDRESS = Answer()
# A test where an answer decides, and not the end of the time, sets long times: a busy machine may
# stand still for seconds. Half of them is then enough to show that nothing waited for their end.
LONG: dict[str, Any] = {"timeout_s": 20, "tries": 2}
HALF_S = 20
# The first wait for an answer is a fraction of a second, and all of them together take long.
PATIENT: dict[str, Any] = {"timeout_s": 4, "tries": 6}


def test_addresses_come_in_the_order_to_try_ipv4_first() -> None:
    zone = {("a.test", "A"): [at("1.1.1.1", "1.1.1.2")], ("a.test", "AAAA"): [at("2600::1")]}
    with name_server(zone) as server:
        result = resolve("a.test", servers=[f"127.0.0.1:{server.port}"], order="both").only()
    assert sorted(result.addresses[:2]) == ["1.1.1.1", "1.1.1.2"]
    assert result.addresses[2:] == ("2600::1",)


@pytest.mark.parametrize(("version", "address"), [("4", "1.1.1.1"), ("6", "2600::1")])
def test_only_addresses_of_the_wanted_version_are_asked_for(version: str, address: str) -> None:
    zone: Zone = {("a.test", "A"): [at("1.1.1.1")], ("a.test", "AAAA"): [at("2600::1")]}
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, ip_version=version).only()
    assert result.addresses == (address,)
    assert server.asked.total() == 1


def test_aliases_are_followed() -> None:
    chain = at("1.1.1.1", aliases=("b.test", "c.other"))
    with name_server({("a.test", "A"): [chain], ("a.test", "AAAA"): [NO_ADDRESS]}) as server:
        result = resolve("a.test", servers=[f"127.0.0.1:{server.port}"]).only()
    assert result.addresses == ("1.1.1.1",)


def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    many = tuple(f"1.1.1.{number}" for number in range(60))
    zone = {("a.test", "A"): [at(*many, truncated=True)]}
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, ip_version="4").only()
    assert server.over_tcp == 1
    assert set(result.addresses) <= set(many)
    assert len(result.addresses) == 16


# The answers to A and AAAA, the version, and the words of the failure that they decide.
FAILURES = [
    (NO_NAME, NO_NAME, "any", "no such name"),
    (NO_NAME, DROP, "any", "no such name"),
    (NO_ADDRESS, NO_ADDRESS, "any", "it has no IP address"),
    (NO_ADDRESS, NO_NAME, "any", "it has no IP address"),
    (NO_ADDRESS, DROP, "4", "it has no IPv4 address"),
    (DROP, NO_ADDRESS, "6", "it has no IPv6 address"),
    (BROKEN, BROKEN, "any", "the name server failed"),
    (NO_ADDRESS, BROKEN, "any", "the name server failed"),
    (Answer(code="REFUSED"), NO_ADDRESS, "4", "the name server refused"),
]


@pytest.mark.parametrize(("a", "aaaa", "version", "words"), FAILURES)
def test_a_failure_says_what_happened(
    a: Answer | None, aaaa: Answer | None, version: str, words: str
) -> None:
    with name_server({("a.test", "A"): [a], ("a.test", "AAAA"): [aaaa]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, ip_version=version, **LONG).only()
    assert result.outcome == "dns"
    assert result.error == f"the host name does not resolve ({words})"
    assert result.took_s < HALF_S


@pytest.mark.parametrize("a", [DROP, NO_ADDRESS])
def test_a_failure_says_that_no_answer_came_in_time(a: Answer | None) -> None:
    with name_server({("a.test", "A"): [a], ("a.test", "AAAA"): [DROP]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, timeout_s=0.5, tries=3).only()
    said = "no answer from the name servers in 1.5 s"
    assert result.error == f"the host name does not resolve ({said})"


def test_a_server_that_is_not_there_is_said() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    result = resolve("a.test", servers=[f"127.0.0.1:{port}"], timeout_s=0.5).only()
    assert result.error == "the host name does not resolve (the name server cannot be reached)"


@pytest.mark.parametrize(("timeout_s", "tries"), [(0.3, 1), (0.5, 3), (1.0, 2)])
def test_silence_is_waited_for_no_longer_than_the_settings_say(
    timeout_s: float, tries: int
) -> None:
    with name_server({("*", "A"): [DROP], ("*", "AAAA"): [DROP]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, timeout_s=timeout_s, tries=tries).only()
    assert timeout_s * tries - 0.05 < result.took_s < timeout_s * tries + HALF_S


def test_all_the_time_is_used_also_when_the_server_is_usually_fast() -> None:
    zone: Zone = {("*", "A"): [at("1.1.1.1")], ("slow.test", "A"): [DROP]}
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        fast = [[f"n{number}.test"] for number in range(6)]
        done = resolve(*fast, "slow.test", servers=servers, ip_version="4", timeout_s=2.5, tries=2)
    assert 4.9 < done.steps[-1][0].took_s < 5 + HALF_S
    assert server.asked["slow.test", "A"] >= 2


def test_a_slow_server_is_waited_for_while_the_question_is_repeated() -> None:
    # A recursive server answers the question and its repetition as soon as it knows.
    zone: Zone = {("a.test", "A"): [at("1.1.1.1", after_s=1.7), at("1.1.1.1", after_s=0.4)]}
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, ip_version="4", timeout_s=3, tries=3).only()
    assert result.addresses == ("1.1.1.1",)


def test_a_name_that_takes_a_fast_server_long_is_known_by_its_late_answer() -> None:
    # Once c-ares knows a server as fast, it takes no answer after a quarter of a second.
    fast = [f"fast{n}.test" for n in range(4)]
    zone = {(name, "A"): [at("10.0.0.1")] for name in fast}
    slow = {(f"slow{n}.test", "A"): [at("10.0.0.2", after_s=1.5)] for n in range(8)}
    with name_server({**zone, **slow}) as server:
        done = resolve(
            *fast,
            [name for name, _ in slow],
            servers=[f"127.0.0.1:{server.port}"],
            ip_version="4",
        )
        asked = [server.asked[name] for name in slow]
    *_, late = done.steps
    assert [result.addresses for result in late] == [("10.0.0.2",)] * len(slow), late
    assert max(asked) <= 7
    assert done.facts["sockets"] <= 8


def test_no_port_asks_many_questions() -> None:
    # Who forges answers must guess the port, and has little time for it.
    busy = {"count": 1000, "pattern": "busy%d.test", "at_once": 50}
    with name_server({("*", "A"): [at("1.1.1.1", after_s=0.005)]}) as server:
        resolve(busy, servers=[f"127.0.0.1:{server.port}"], ip_version="4")
    assert server.asked.total() >= 1000
    # A slow machine asks some of them again.
    assert max(server.asked_from.values()) <= 2 * name_servers._PORT_QUESTIONS


def test_each_of_questions_one_after_another_has_a_port_of_its_own() -> None:
    calm = {"count": 40, "pattern": "calm%d.test", "at_once": 1}
    with name_server({("*", "A"): [at("1.1.1.1")]}) as server:
        resolve(calm, servers=[f"127.0.0.1:{server.port}"], ip_version="4")
    assert len(server.asked_from) >= 30  # the system may choose one twice


def test_a_first_server_that_is_dead_delays_few_names() -> None:
    names = {"count": 500, "pattern": "n%d.test", "at_once": 20}
    zone: Zone = {("*", "A"): [at("1.1.1.1")]}
    with name_server({("*", "A"): [DROP]}) as dead, name_server(zone) as alive:
        servers = [f"127.0.0.1:{dead.port}", f"127.0.0.1:{alive.port}"]
        ((result,),) = resolve(names, servers=servers, ip_version="4").steps
    assert result.addresses == ("1.1.1.1",)
    assert dead.asked.total() < 200


def test_a_lost_question_is_asked_again() -> None:
    with name_server({("a.test", "A"): [DROP, at("1.1.1.1")]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, ip_version="4", **PATIENT).only()
    assert result.addresses == ("1.1.1.1",)


def test_a_missing_answer_to_aaaa_delays_a_by_a_moment_only() -> None:
    for aaaa in (DROP, at("2600::1", after_s=HALF_S)):
        zone: Zone = {("a.test", "A"): [at("1.1.1.1")], ("a.test", "AAAA"): [aaaa]}
        with name_server(zone) as server:
            servers = [f"127.0.0.1:{server.port}"]
            result = resolve("a.test", servers=servers, order="both", **LONG).only()
        assert result.addresses == ("1.1.1.1",)
        assert result.took_s < HALF_S


def test_an_error_for_aaaa_takes_nothing_from_a() -> None:
    for aaaa in (BROKEN, NO_NAME, Answer(code="NOTIMP"), Answer(code="FORMERR")):
        zone: Zone = {("a.test", "A"): [at("1.1.1.1")], ("a.test", "AAAA"): [aaaa]}
        with name_server(zone) as server:
            servers = [f"127.0.0.1:{server.port}"]
            result = resolve("a.test", servers=servers, order="both", **LONG).only()
        assert result.addresses == ("1.1.1.1",)
        assert result.took_s < HALF_S


@pytest.mark.parametrize("order", ["a-first", "both"])
def test_a_host_whose_a_is_never_answered_is_reached_by_ipv6(order: str) -> None:
    zone: Zone = {("a.test", "A"): [DROP], ("a.test", "AAAA"): [at("2600::1")]}
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, timeout_s=2, tries=10, order=order).only()
    assert result.addresses == ("2600::1",)
    assert result.took_s < 15


BOTH: Zone = {
    ("both.test", "A"): [at("1.1.1.1")],
    ("both.test", "AAAA"): [at("2600::1")],
    ("four.test", "A"): [at("1.1.1.1")],
    ("four.test", "AAAA"): [NO_ADDRESS],
    ("six.test", "A"): [NO_ADDRESS],
    ("six.test", "AAAA"): [at("2600::1")],
    ("broken.test", "A"): [BROKEN],
    ("broken.test", "AAAA"): [at("2600::1")],
}


def test_aaaa_is_asked_for_only_where_a_gives_nothing() -> None:
    with name_server(BOTH) as server:
        servers = [f"127.0.0.1:{server.port}"]
        hosts = ["both.test", "six.test", "broken.test", "none.test"]
        done = resolve(hosts, servers=servers)
    assert [result.addresses for result in done.steps[0]] == [
        ("1.1.1.1",),
        ("2600::1",),
        ("2600::1",),
        (),
    ]
    asked = {name for name, kind in server.asked if kind == "AAAA"}
    assert asked == {"six.test", "broken.test"}, "a name that does not exist has no AAAA"


def test_the_order_is_a_setting() -> None:
    with name_server(BOTH) as server:
        servers = [f"127.0.0.1:{server.port}"]
        first = resolve(["both.test", "four.test"], servers=servers, order="aaaa-first").steps[0]
        assert ("both.test", "A") not in server.asked
        both = resolve("both.test", servers=servers, order="both").only()
    assert [result.addresses for result in first] == [("2600::1",), ("1.1.1.1",)]
    assert both.addresses == ("1.1.1.1", "2600::1")


def test_more_addresses_are_asked_for_once_and_known_then() -> None:
    with name_server(BOTH) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve(
            {"more": ["both.test", "four.test", "six.test"]},
            {"more": ["both.test", "four.test"]},
            ["both.test", "four.test"],
            servers=servers,
        )
    more, again, known = ([result.addresses for result in step] for step in done.steps)
    assert more == [("2600::1",), (), ("2600::1",)]
    assert again == [("2600::1",), ()], "others may have been answered before, too"
    assert known == [("1.1.1.1", "2600::1"), ("1.1.1.1",)]
    assert set(server.asked.values()) == {1}


def test_nothing_more_is_asked_for_without_a_route_or_of_one_version() -> None:
    for settings in ({"ipv6": False}, {"ip_version": "4"}, {"order": "both"}):
        with name_server(BOTH) as server:
            servers = [f"127.0.0.1:{server.port}"]
            done = resolve({"more": ["both.test"]}, servers=servers, **settings)
            assert done.steps[0][0].addresses == ()
            assert server.asked["both.test", "AAAA"] == (1 if "order" in settings else 0)


# At once, and when all names have been asked for a second time, with patience (after 1 s).
@pytest.mark.parametrize("after_s", [0.0, 1.6])
def test_a_malformed_answer_takes_nothing_from_other_names(after_s: float) -> None:
    good_s = max(0.3, after_s + 0.4)
    good = {(f"n{number}.test", "A"): [at("1.1.1.1", after_s=good_s)] for number in range(20)}
    bad = [Answer(garbage=True, after_s=after_s)]
    zone: Zone = {**good, ("bad.test", "A"): bad, ("dead.test", "A"): [DROP]}
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        hosts = [*(name for name, _ in good), "dead.test", "bad.test"]
        done = resolve(hosts, servers=servers, ip_version="4", timeout_s=10, tries=1)
    *found, dead, bad_one = done.steps[0]
    assert {result.addresses for result in found} == {("1.1.1.1",)}
    assert "no answer" in str(dead.error)
    assert "malformed" in str(bad_one.error)


def test_without_a_route_aaaa_is_asked_only_for_a_name_that_has_no_a() -> None:
    zone = {
        ("both.test", "A"): [at("1.1.1.1")],
        ("six.test", "A"): [NO_ADDRESS],
        ("six.test", "AAAA"): [at("2600::1")],
    }
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve(["both.test", "six.test", "none.test"], servers=servers, ipv6=False)
    assert [result.addresses for result in done.steps[0]] == [("1.1.1.1",), ("2600::1",), ()]
    assert server.asked["both.test", "AAAA"] == 0
    assert server.asked["none.test", "AAAA"] == 0


def test_an_answer_is_pinned_for_its_time_whatever_the_server_says_next() -> None:
    rebinding = [at("1.1.1.1"), at("127.0.0.1")]
    with name_server({("a.test", "A"): rebinding}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve("a.test", "A.Test", "a.test.", servers=servers, ip_version="4", cache_s=60)
    assert [result.addresses for (result,) in done.steps] == [("1.1.1.1",)] * 3
    assert server.asked["a.test", "A"] == 1


def test_an_answer_is_forgotten_after_its_time() -> None:
    with name_server({("a.test", "A"): [at("1.1.1.1"), at("127.0.0.1")]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        steps = ("a.test", {"sleep": 0.6}, "a.test")
        done = resolve(*steps, servers=servers, ip_version="4", cache_s=0.5)
    assert [result.addresses for (result,) in done.steps] == [("1.1.1.1",), ("127.0.0.1",)]


@pytest.mark.parametrize("answer", [NO_NAME, NO_ADDRESS, BROKEN, DROP])
def test_a_failure_is_believed_for_its_time(answer: Answer | None) -> None:
    times: dict[str, Any] = {"timeout_s": 0.5 if answer is DROP else 20, "tries": 1}
    settings = {"ip_version": "4", **times}
    with name_server({("*", "A"): [answer]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        believed = resolve("a.test", "a.test", servers=servers, negative_s=60, **settings)
        assert server.asked["a.test", "A"] == 1
        steps = ("a.test", {"sleep": 1.1}, "a.test")
        forgotten = resolve(*steps, servers=servers, negative_s=1.0, **settings)
        assert server.asked["a.test", "A"] == 3
    results = [result for (result,) in (*believed.steps, *forgotten.steps)]
    assert len({result.error for result in results}) == 1


def test_callers_of_one_name_share_one_question() -> None:
    with name_server({("a.test", "A"): [at("1.1.1.1", after_s=0.2)]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve(["a.test"] * 100, servers=servers, ip_version="4")
    assert {result.addresses for result in done.steps[0]} == {("1.1.1.1",)}
    assert server.asked["a.test", "A"] == 1


def test_a_caller_that_gives_up_takes_no_answer_from_the_others() -> None:
    with name_server({("a.test", "A"): [at("1.1.1.1", after_s=3)]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        step = {"give_up": "a.test", "after": 0.1, "others": 5}
        done = resolve(step, servers=servers, ip_version="4", **LONG)
    first, *others = done.steps[0]
    assert first.addresses == ()
    assert {result.addresses for result in others} == {("1.1.1.1",)}
    assert server.asked["a.test", "A"] <= 2, "once for all, and once more with patience"
    assert done.facts["asking"] == 0


def test_the_cache_keeps_the_newest_names() -> None:
    with name_server({("*", "A"): [at("1.1.1.1")]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve(
            *["a.test", "b.test", "c.test", "c.test", "b.test", "a.test"],
            servers=servers,
            ip_version="4",
            cache_names=2,
        )
    assert done.facts["cached"] == 2
    asked = {name: count for (name, _), count in server.asked.items()}
    assert asked == {"a.test": 2, "b.test": 1, "c.test": 1}


def test_names_without_an_answer_delay_no_other_name() -> None:
    zone: Zone = {("*", "A"): [DROP], ("*", "AAAA"): [DROP], ("good.test", "A"): [at("1.1.1.1")]}
    lost = [f"lost{number}.test" for number in range(500)]
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve([*lost, "good.test"], servers=servers, timeout_s=3, tries=2)
    *failed, good = done.steps[0]
    assert good.addresses == ("1.1.1.1",)
    assert all("no answer" in str(result.error) for result in failed)
    assert good.took_s < min(result.took_s for result in failed)


def test_thousands_of_names_leave_nothing_behind() -> None:
    zone = {("*", "A"): [at("1.1.1.1", ttl=3600)], ("*", "AAAA"): [at("2600::1", ttl=3600)]}
    with name_server(zone) as server:
        servers = [f"127.0.0.1:{server.port}"]
        warm = {"count": 100, "pattern": "w%d.test", "at_once": 50}
        few = resolve(warm, servers=servers, cache_names=50)
        step = {"count": 6_000, "pattern": "n%d.test", "at_once": 50}
        many = resolve(warm, step, servers=servers, cache_names=50)
    assert many.steps[-1][0].outcome is None
    assert many.facts["asking"] == 0
    assert many.facts["greenlets"] <= few.facts["greenlets"] + 60
    assert many.facts["sockets"] <= few.facts["sockets"] + 2
    assert many.facts["tasks"] == few.facts["tasks"]
    assert many.facts["rss_bytes"] < few.facts["rss_bytes"] + 24 * 1024 * 1024


def test_the_second_server_answers_when_the_first_does_not() -> None:
    for answer in (DROP, BROKEN):
        zone: Zone = {("*", "A"): [answer], ("*", "AAAA"): [answer]}
        with name_server(zone) as dead, name_server({("*", "A"): [at("1.1.1.1")]}) as alive:
            servers = [f"127.0.0.1:{dead.port}", f"127.0.0.1:{alive.port}"]
            result = resolve("a.test", servers=servers, **PATIENT).only()
        assert result.addresses == ("1.1.1.1",)


def test_a_second_server_on_the_same_port_answers_too() -> None:
    with (
        name_server({("*", "A"): [at("1.1.1.1")]}) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
    ):
        silent.bind(("127.0.0.2", server.port))
        servers = [f"127.0.0.2:{server.port}", f"127.0.0.1:{server.port}"]
        done = resolve("a.test", "b.test", "c.test", servers=servers, ip_version="4", **PATIENT)
    assert {result.addresses for (result,) in done.steps} == {("1.1.1.1",)}


def test_the_hosts_file_comes_first() -> None:
    lines = [line.partition("#")[0].split() for line in Path("/etc/hosts").read_text().splitlines()]
    known = [(words[0], name) for words in lines for name in words[1:] if "." in words[0]]
    names = {name: address for address, name in reversed(known) if "localhost" not in name}
    if not names:
        pytest.skip("this machine's hosts file has no name of its own")
    with name_server({("*", "A"): [at("1.1.1.1")], ("*", "AAAA"): [NO_ADDRESS]}) as server:
        done = resolve(list(names), servers=[f"127.0.0.1:{server.port}"])
    for address, result in zip(names.values(), done.steps[0], strict=True):
        assert address in result.addresses
        assert "1.1.1.1" not in result.addresses


def test_a_malformed_answer_ends_in_a_failure() -> None:
    with name_server({("*", "A"): [Answer(garbage=True)]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        result = resolve("a.test", servers=servers, ip_version="4", **LONG).only()
    assert result.outcome == "dns"
    assert result.took_s < HALF_S


def test_localhost_needs_no_name_server() -> None:
    with name_server({}) as server:
        done = resolve("localhost", "x.localhost", servers=[f"127.0.0.1:{server.port}"])
    for (result,) in done.steps:
        assert result.addresses[0] == "127.0.0.1"
    assert server.asked.total() == 0


def test_the_machines_own_settings_are_used_without_servers() -> None:
    assert "127.0.0.1" in resolve("localhost", servers=[]).only().addresses


def test_an_address_is_its_own_answer() -> None:
    with name_server({}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve("127.0.0.1", "::1", "::ffff:7f00:1", servers=servers)
        four = resolve("::1", servers=servers, ip_version="4").only()
    assert [result.addresses[0] for (result,) in done.steps] == [
        "127.0.0.1",
        "::1",
        "::ffff:7f00:1",
    ]
    assert four.error == "the host name does not resolve (no IPv4 address)"
    assert server.asked.total() == 0


INVALID = ["", ".", "a..b", ".a", "a" * 64 + ".test", "a." * 127 + "test", "sp ace.test", "a/b"]


def test_a_host_that_is_not_a_name_is_a_failure_and_is_never_looked_up() -> None:
    hosts = [*INVALID, "é.test", "a\x00b", "a\nb.test", "*.test", "a.test.."]
    with name_server({("*", "A"): [at("1.1.1.1")]}) as server:
        done = resolve(hosts, servers=[f"127.0.0.1:{server.port}"])
    words = {result.error for result in done.steps[0]}
    assert words == {"the host name does not resolve (not a valid host name)"}
    assert server.asked.total() == 0


def test_the_longest_names_and_underscores_are_asked_for() -> None:
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    hosts = [longest, "_a_.test", "-a.test", "a", "a.b.c.d.e.f.test"]
    with name_server({("*", "A"): [at("1.1.1.1")]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve(hosts, servers=servers, ip_version="4")
    assert {result.addresses for result in done.steps[0]} == {("1.1.1.1",)}


def test_a_close_ends_all_look_ups_and_sockets() -> None:
    with name_server({("*", "A"): [DROP], ("*", "AAAA"): [DROP]}) as server:
        servers = [f"127.0.0.1:{server.port}"]
        done = resolve({"close": ["a.test", "b.test"]}, "c.test", servers=servers, **LONG)
    results = [result for step in done.steps for result in step]
    words = {result.error for result in results}
    assert words == {"the host name does not resolve (the resolver was closed)"}
    assert max(result.took_s for result in results) < HALF_S
    assert done.facts["sockets"] == 0


SERVERS = [
    ("9.9.9.9", ("9.9.9.9", 53)),
    ("127.0.0.1:5353", ("127.0.0.1", 5353)),
    ("2620:fe::fe", ("2620:fe::fe", 53)),
    ("[::1]", ("::1", 53)),
    ("[::1]:5353", ("::1", 5353)),
]


@pytest.mark.parametrize(("text", "server"), SERVERS)
def test_a_name_server_is_an_address_and_maybe_a_port(text: str, server: tuple[str, int]) -> None:
    assert parse_server(text) == server


@pytest.mark.parametrize("text", ["", "dns.test", "1.2.3.4:0", "1.2.3.4:", "1.2.3:53", "[::1]:x"])
def test_text_that_is_not_a_name_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"address|no valid port"):
        parse_server(text)
