"""Each kind of failure, as real servers cause it."""

from __future__ import annotations

import contextlib
import gzip
import random
import socket
import ssl
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pycurl
import pytest
from msgspec import UNSET, UnsetType

from fetcher.error_kinds import KINDS, ErrorKind, kind_of
from fetcher.fetch.interface import with_kind
from fetcher.fetch.transfer.curl_errors import failure_of
from fetcher.model import Outcome, Result
from fetcher.settings.schema import Http
from support import auths
from support.by_hand import crowded, served
from support.fetching import fetch
from support.names import BROKEN, DROP, NO_NAME, Answer, name_server
from support.proxies import http_proxy
from support.scripted import Script, answer, head, scripted
from support.secure import Http2, context_of, http2_server, https_server
from tools.certificates import Authority

NOWHERE = "127.0.0.1:1"
CODED = "Content-Encoding: gzip"


def shown(row: Result) -> str:
    """The row's outcome and kind."""
    return f"{row.outcome.value} {'-' if row.error_kind is UNSET else row.error_kind}"


def one(url: str, **more: Any) -> str:
    (row,) = fetch([url], **more).results
    return shown(row)


def kinds_by_path(scripts: Mapping[str, Script], **more: Any) -> dict[str, str]:
    """The result of each path of a server that plays these scripts."""
    with scripted(scripts) as server:
        done = fetch([server.url(path) for path in scripts], **more)
        return {path: shown(done.by_url[server.url(path)]) for path in scripts}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def moved(*locations: str) -> Script:
    lines = [f"Location: {location}" for location in locations]
    return Script(answer(b"", *lines, status="302 Found"))


# -- answers ---------------------------------------------------------------------------------

ANSWERS = {
    "/fine": (Script(answer(b"ok")), "ok -"),
    "/missing": (Script(answer(b"", status="404 Not Found")), "http_error -"),
    "/broken": (Script(answer(b"", status="500 Oops")), "http_error -"),
    "/nothing": (Script(), "protocol no_answer"),
    "/reset": (Script(end="reset"), "protocol reset"),
    "/noise": (Script(b"\x00\x1b[31m\xff" * 100), "protocol bad_head"),
    "/version": (Script(b"HTTP/9.1 200 OK\r\n\r\n"), "protocol bad_head"),
    "/status": (Script(b"HTTP/1.1 999999 what\r\n\r\n"), "protocol bad_head"),
    "/lengths": (Script(answer(b"", "Content-Length: 5")), "protocol bad_length"),
    "/length": (Script(head("Content-Length: -5")), "protocol bad_length"),
    "/length-of-67-bits": (
        Script(head("Content-Length: 99999999999999999999") + b"ab"),
        "protocol cut_body",
    ),
    "/length-of-64-bits": (
        Script(head("Content-Length: 9223372036854775808") + b"ab"),
        "protocol cut_body",
    ),
    "/length-without-end": (Script(head("Content-Length: " + "9" * 2000)), "protocol cut_body"),
    "/long-and-short": (
        Script(head("Content-Length: 99999999999999999999", "Content-Length: 2") + b"ab"),
        "protocol bad_length",
    ),
    "/head": (Script(b"HTTP/1.1 200 OK\r\nContent-Le"), "protocol cut_head"),
    "/head-with-length": (
        Script(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y"),
        "protocol cut_head",
    ),
    "/head-by-reset": (Script(b"HTTP/1.1 200 OK\r\nX: y", 0.2, end="reset"), "protocol cut_head"),
    "/cut": (Script(answer(b"abc")[:-1]), "protocol cut_body"),
    "/cut-by-reset": (Script(answer(b"abc")[:-1], 0.2, end="reset"), "protocol cut_body"),
    "/cut-chunks": (Script(head("Transfer-Encoding: chunked") + b"5\r\nab"), "protocol cut_body"),
    "/cut-counted": (
        Script(head("Transfer-Encoding: identity", "Content-Length: 5") + b"ab"),
        "protocol cut_body",
    ),
    "/chunk": (Script(head("Transfer-Encoding: chunked") + b"zz\r\n"), "protocol bad_chunk"),
    "/gzip": (Script(answer(b"abc", "Content-Encoding: gzip")), "protocol bad_coding"),
    "/stacked": (
        Script(answer(b"abc", "Content-Encoding: gzip, gzip, gzip, gzip")),
        "protocol bad_coding",
    ),
    "/many-headers": (Script(head(*["A: b"] * 60)), "protocol headers"),
    "/long-header": (Script(head("X: " + "y" * 5000)), "protocol headers"),
    "/huge-header": (Script(head("X: " + "y" * 200_000)), "protocol headers"),
    "/location": (moved("http://["), "protocol bad_location"),
    "/locations": (moved("/a", "/b"), "protocol bad_location"),
    "/body": (Script(answer(b"x" * 2000)), "too_large body"),
    "/file": (moved("file:///etc/passwd"), "blocked scheme"),
    "/private": (moved("http://10.0.0.1/"), "blocked address"),
    "/to-itself": (moved("/to-itself"), "redirects loop"),
    "/ping": (moved("/pong"), "redirects loop"),
    "/pong": (moved("/ping"), "redirects loop"),
    "/1": (moved("/2"), "redirects too_many"),
    "/2": (moved("/3"), "redirects too_many"),
    "/3": (moved("/4"), "redirects too_many"),
    "/4": (moved("/5"), "redirects too_many"),
    "/5": (moved("/6"), "redirects too_many"),
    "/6": (moved("/7"), "ok -"),
    "/7": (moved("/8"), "ok -"),
    "/8": (Script(answer(b"ok")), "ok -"),
}
LIMITS: dict[str, Any] = {
    "max_body_bytes": 1500,
    "max_headers": 50,
    "max_header_bytes": 4096,
    "max_redirects": 2,
}


@pytest.mark.parametrize("capture", [False, True])
def test_what_an_answer_is_says_its_kind(capture: bool) -> None:
    found = kinds_by_path(
        {path: script for path, (script, _) in ANSWERS.items()}, capture=capture, **LIMITS
    )
    assert found == {path: wanted for path, (_, wanted) in ANSWERS.items()}


def test_each_cap_on_a_body_has_its_kind() -> None:
    scripts = {
        "/plain": Script(answer(b"x" * 6000)),
        "/packed": Script(answer(gzip.compress(random.Random(1).randbytes(6000)), CODED)),
        "/bomb": Script(answer(gzip.compress(bytes(20_000_000)), CODED)),
    }
    caps: dict[str, Any] = {"max_wire_bytes": 5000, "max_body_bytes": 1 << 30, "max_ratio": 10}
    assert kinds_by_path(scripts, **caps) == {
        "/plain": "too_large wire",
        "/packed": "too_large wire",
        "/bomb": "too_large wire",
    }
    assert kinds_by_path(scripts, max_ratio=10) == {
        "/plain": "ok -",
        "/packed": "ok -",
        "/bomb": "too_large ratio",
    }
    assert kinds_by_path({"/bomb": scripts["/bomb"]}, max_body_bytes=1 << 16) == {
        "/bomb": "too_large body"
    }


def test_a_body_that_may_not_go_to_another_origin_is_blocked() -> None:
    with scripted({"/": Script(answer(b"ok"))}) as other:
        line = f"Location: {other.url('/')}"
        with scripted({"/": Script(answer(b"", line, status="307 Temporary"))}) as server:
            asked = {"url": server.url("/"), "method": "POST", "body": "x"}
            (row,) = fetch([asked], cross_origin_bodies=False).results
    assert shown(row) == "blocked cross_origin_body"


def test_an_error_of_http2_has_its_kind(authority: Authority) -> None:
    with http2_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}"
        trust: dict[str, Any] = {"ca_file": str(authority.ca_file)}
        done = fetch([f"{url}/reset", f"{url}/cut-length", f"{url}/fine"], pool=1, **trust)
    kinds = [shown(done.by_url[f"{url}/{path}"]) for path in ("reset", "cut-length", "fine")]
    assert kinds == ["protocol http2", "protocol cut_body", "ok -"]


def test_a_stream_that_is_refused_is_tried_on_new_connections(authority: Authority) -> None:
    with http2_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        url = f"https://127.0.0.1:{port}"
        trust: dict[str, Any] = {"ca_file": str(authority.ca_file)}
        done = fetch([f"{url}/refused", f"{url}/refused-once"], pool=1, **trust)
        asked = dict(Http2.asked)
    kinds = [shown(done.by_url[f"{url}/{path}"]) for path in ("refused", "refused-once")]
    assert kinds == ["protocol http2", "ok -"]
    assert asked["/refused-once"] == 2
    assert asked["/refused"] <= 6, "libcurl's own tries, and none of ours"


def test_a_head_that_breaks_off_over_tls_is_cut(authority: Authority) -> None:
    script = Script(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y")
    with scripted({"/": script}, context_of(*authority.issue(["127.0.0.1"]))) as server:
        assert one(server.url("/"), ca_file=str(authority.ca_file)) == "protocol cut_head"


ALERTS = [
    (35, "TLS connect error: error:0A00045C:SSL routines::tlsv13 alert certificate required"),
    (55, "OpenSSL SSL_write: error:0A00045C:SSL routines::tlsv13 alert certificate required"),
    (56, "OpenSSL SSL_read: error:1409445C:SSL routines:ssl3_read_bytes:reason(1116), errno 0"),
    (92, "SSL_read: SSL alert number 116"),
]


@pytest.mark.parametrize(("code", "words"), ALERTS)
def test_an_alert_about_the_clients_certificate_has_its_kind_by_any_code(
    code: int, words: str
) -> None:
    failure = failure_of(code, words, pycurl.Curl(), Http(), has_begun=False)
    assert failure.kind is ErrorKind.TLS_CLIENT_CERTIFICATE
    assert failure.message == "the server refused: certificate required"


def test_a_defect_of_code_that_the_fetcher_calls_is_internal() -> None:
    with scripted({"/": Script(answer(b"ok"))}) as server:
        assert one(server.url("/"), auth=f"{auths.__name__}:broken") == "protocol internal"


# -- time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("capture", [False, True])
def test_each_limit_on_time_has_the_phase_that_it_ended(capture: bool) -> None:
    scripts = {
        "/silent": Script(end="hang"),
        "/half-a-head": Script(b"HTTP/1.1 200 OK\r\n", end="hang"),
        "/half-a-body": Script(answer(b"x" * 10)[:-1], end="hang"),
        "/redirect": Script(answer(b"", "Location: /silent", status="302 Found")),
    }
    wanted = {
        "/silent": "timeout first_byte",
        "/half-a-head": "timeout total",
        "/half-a-body": "timeout total",
        "/redirect": "timeout first_byte",
    }
    limits: dict[str, Any] = {"total_timeout_s": 1.0, "low_speed_s": 30.0}
    assert kinds_by_path(scripts, capture=capture, **limits) == wanted


def test_a_server_that_takes_a_body_and_does_not_answer_gave_no_first_byte() -> None:
    def swallow(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with served(swallow) as url:
        upload = {"url": f"{url}/", "method": "POST", "body": "x" * 200_000}
        (row,) = fetch([upload], total_timeout_s=1.0).results
    assert shown(row) == "timeout first_byte"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (Script(end="hang"), "first_byte"),
        (Script(answer(b"x" * 10)[:-1], end="hang"), "stalled"),
    ],
)
def test_a_server_that_falls_silent_has_stalled_or_never_begun(script: Script, kind: str) -> None:
    limits: dict[str, Any] = {
        "total_timeout_s": 30.0,
        "low_speed_s": 1.0,
        "low_speed_bytes_s": 1000,
    }
    assert kinds_by_path({"/": script}, **limits) == {"/": f"timeout {kind}"}


@pytest.mark.parametrize("capture", [False, True])
def test_a_connection_that_is_not_made_in_time_says_how_far_it_came(capture: bool) -> None:
    limits: dict[str, Any] = {"connect_timeout_s": 0.5, "capture": capture}
    with crowded() as url, socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        secure = f"https://127.0.0.1:{port}/"
        done = fetch([url, url.replace("http:", "https:"), secure], **limits)
        by_proxy = one("https://name.invalid/", proxy=f"http://127.0.0.1:{port}", **limits)
    assert shown(done.by_url[url]) == "timeout connect"
    assert shown(done.by_url[url.replace("http:", "https:")]) == "timeout connect"
    assert shown(done.by_url[secure]) == "timeout tls"
    assert by_proxy == "timeout connect"


def test_a_name_that_takes_all_of_the_time_is_a_timeout_of_resolving() -> None:
    with name_server({("slow.test", kind): [DROP] for kind in ("A", "AAAA")}) as server:
        dns = {"servers": [f"127.0.0.1:{server.port}"], "timeout_s": 10.0}
        assert one("http://slow.test/", total_timeout_s=0.5, sections={"dns": dns}) == (
            "timeout resolve"
        )


def test_a_robots_txt_that_is_waited_for_too_long_has_its_kind() -> None:
    # Of two fetches in the pool, the first waits for what the later one has asked for.
    there = scripted({"/robots.txt": Script(end="hang"), "/page": Script(answer(b"ok"))})
    with there as slow:
        moved_there = answer(b"", f"Location: {slow.url('/page')}", status="302 Found")
        early = Script(3.0, moved_there)
        scripts = {"/early": early, "/short": Script(1.5, answer(b"ok"))}
        with scripted({**scripts, "/robots.txt": Script(answer(b""))}) as server:
            urls = [server.url("/early"), server.url("/short"), slow.url("/page")]
            sections = {"polite": {"robots": True}}
            done = fetch(urls, pool=2, sections=sections, total_timeout_s=6.0)
    assert [shown(done.by_url[url]) for url in urls] == [
        "timeout robots",
        "ok -",
        "timeout first_byte",
    ]


# -- names and connections -------------------------------------------------------------------


def test_each_answer_of_a_name_server_has_its_kind() -> None:
    names = {
        "no-name.test": (NO_NAME, "no_such_name"),
        "broken.test": (BROKEN, "server_failed"),
        "refused.test": (Answer(code="REFUSED"), "refused"),
        "odd.test": (Answer(code="NOTIMP"), "other"),
        "empty.test": (Answer(), "no_address"),
        "silent.test": (DROP, "no_answer"),
    }
    zone = {(name, kind): [said] for name, (said, _) in names.items() for kind in ("A", "AAAA")}
    with name_server(zone) as server:
        dns = {"servers": [f"127.0.0.1:{server.port}"], "timeout_s": 0.5, "tries": 1}
        done = fetch([f"http://{name}/" for name in names], sections={"dns": dns})
    assert {name: shown(done.by_url[f"http://{name}/"]) for name in names} == {
        name: f"dns {kind}" for name, (_, kind) in names.items()
    }


def test_a_name_server_that_answers_with_garbage_has_its_kind() -> None:
    # Alone: c-ares ends all questions that it has put to such a server.
    with name_server({("*", kind): [Answer(garbage=True)] for kind in ("A", "AAAA")}) as server:
        dns = {"servers": [f"127.0.0.1:{server.port}"], "timeout_s": 0.5, "tries": 1}
        assert one("http://name.test/", sections={"dns": dns}) == "dns bad_answer"


def test_a_name_server_that_is_not_there_is_unreachable() -> None:
    dns = {"servers": [NOWHERE], "timeout_s": 0.5, "tries": 1}
    assert one("http://name.test/", sections={"dns": dns}) == "dns unreachable"


def test_each_way_of_not_connecting_has_its_kind() -> None:
    opened = {"guard": {"allow": ["127.0.0.0/8", "255.255.255.255/32"]}}
    urls = [f"http://{NOWHERE}/", "http://255.255.255.255/", "http://10.0.0.1/"]
    done = fetch(urls, sections=opened)
    assert [shown(done.by_url[url]) for url in urls] == [
        "connect refused",
        "connect unreachable",
        "blocked address",
    ]
    assert one("http://127.0.0.1/", ip_version="6") == "connect ip_version"


def test_failures_of_a_proxy_differ_from_failures_of_a_site() -> None:
    url = "https://name.invalid/"
    for scheme in ("http", "socks5h"):
        assert one(url, proxy=f"{scheme}://{NOWHERE}") == "connect proxy"
    with http_proxy(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as proxy:
        assert one(url, proxy=f"http://{proxy.place}") == "connect proxy"
    dns = {"servers": [NOWHERE], "timeout_s": 0.2, "tries": 1}
    assert one(url, proxy="http://proxy.invalid:1", sections={"dns": dns}) == "connect proxy"


# -- TLS -------------------------------------------------------------------------------------


def _old_versions(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1


def _no_common_cipher(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA")  # for RSA alone


CERTIFICATES: dict[str, dict[str, Any]] = {
    "expired": {"days": -1},
    "not_yet_valid": {"from_days": 1, "days": 9},
    "wrong_host": {"names": ["other.invalid"]},
    "self_signed": {"by_itself": True},
}


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_what_is_wrong_with_a_certificate_is_its_kind(authority: Authority, kind: str) -> None:
    issued = authority.issue(**{"names": ["127.0.0.1"], **CERTIFICATES[kind]})
    with https_server(context_of(*issued)) as port:
        assert one(f"https://127.0.0.1:{port}/", ca_file=str(authority.ca_file)) == f"tls {kind}"


def test_a_certificate_of_an_unknown_authority_is_untrusted(authority: Authority) -> None:
    with https_server(context_of(*authority.issue(["127.0.0.1"]))) as port:
        assert one(f"https://127.0.0.1:{port}/") == "tls untrusted"


@pytest.mark.parametrize("change", [_old_versions, _no_common_cipher])
def test_a_server_without_a_common_version_or_cipher_fails_at_the_handshake(
    authority: Authority, change: Callable[[ssl.SSLContext], None]
) -> None:
    context = context_of(*authority.issue(["127.0.0.1"]))
    change(context)
    with https_server(context) as port:
        assert one(f"https://127.0.0.1:{port}/", ca_file=str(authority.ca_file)) == "tls handshake"


def test_a_server_that_speaks_no_tls_fails_at_the_handshake() -> None:
    def answers_at_once(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(answer(b"plain HTTP"))

    with served(answers_at_once) as url:
        assert one(url.replace("http:", "https:")) == "tls handshake"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_not_accepted_has_its_kind(
    authority: Authority, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    (tmp_path / "others").mkdir()
    stranger = Authority(tmp_path / "others", "another authority")
    certificate, key = stranger.issue(["client"])
    server = context_of(*authority.issue(["127.0.0.1"]), trusted=authority.ca_file)
    server.minimum_version = server.maximum_version = version
    shows = {"client_cert": str(certificate), "client_key": str(key)}

    def refuses(connection: socket.socket) -> None:
        with server.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        ) as secured:
            with contextlib.suppress(ssl.SSLError):
                secured.do_handshake()
            # The client reads the alert and leaves; a close at once could reset the connection.
            with contextlib.suppress(OSError):
                secured.shutdown(socket.SHUT_WR)
                while secured.recv(1000):
                    pass

    with served(refuses) as url:
        secure = url.replace("http:", "https:")
        assert one(secure, ca_file=str(authority.ca_file), **shows) == "tls client_certificate"


# -- lines and rules -------------------------------------------------------------------------

LINES: dict[str, list[Any]] = {
    "scheme": ["example.org", "ftp://a.invalid/", "javascript:alert(1)", ""],
    "host": ["http://", "http://[::1/", "http://a..b/", "http://a!b.invalid/", "http://[::g]/"],
    "port": ["http://a.invalid:99999/", "http://a.invalid:abc/", "http://a.invalid:0/"],
    "credentials": ["http://user:pw@x.invalid/"],
    "character": ["http://x.invalid/\x00", "http://x.invalid/\ttab"],
    "too_long": ["http://x.invalid/" + "p" * 9000, "http://x.invalid/" + "ü" * 3000],
    "record": [{"uri": "http://a"}, {"url": 7}],
    "field": [
        {"url": "http://a", "method": "G T"},
        {"url": "http://a", "headers": {"Host": "b"}},
        {"url": "http://a", "body": "b"},
        {"url": "http://a", "id": []},
        {"url": "http://a", "prio": 1},
    ],
}


def test_what_is_wrong_with_a_line_is_its_kind() -> None:
    wanted = [(kind, line) for kind, lines in LINES.items() for line in lines]
    done = fetch([line for _, line in wanted])
    for row in done.results:
        kind, line = wanted[row.line - 1]
        assert shown(row) == f"invalid_url {kind}", line
    assert len(done.results) == len(wanted)


def test_rules_that_forbid_differ_from_rules_that_cannot_be_read() -> None:
    rules = b"User-agent: *\nDisallow: /closed\n"
    polite = {"polite": {"robots": True}}
    for script, kind in (
        (Script(answer(rules)), "robots disallowed"),
        (Script(answer(b"", status="503 Busy")), "robots unreadable"),
        (Script(end="reset"), "protocol reset"),
    ):
        with scripted({"/robots.txt": script, "/closed": Script(answer(b""))}) as server:
            assert one(server.url("/closed"), sections=polite) == kind


# -- transports of the user's own ------------------------------------------------------------


def completed(outcome: Outcome, kind: str | UnsetType = UNSET) -> str | UnsetType:
    return with_kind(Result(1, "http://a/", outcome, error_kind=kind)).error_kind


@pytest.mark.parametrize("outcome", Outcome)
def test_a_result_without_a_kind_gets_the_one_that_says_nothing(outcome: Outcome) -> None:
    assert completed(outcome) == ("other" if KINDS[outcome] else UNSET)


@pytest.mark.parametrize("kind", ErrorKind)
def test_a_kind_of_its_outcome_stays(kind: ErrorKind) -> None:
    assert completed(kind.outcome, kind.word) == kind.word
    assert kind_of(kind.outcome, kind.word) is kind


def test_a_kind_of_another_outcome_is_a_defect_of_the_transport() -> None:
    with pytest.raises(ValueError, match="outcome dns has no error_kind 'expired'; it has no_such"):
        completed(Outcome.DNS, "expired")
    with pytest.raises(ValueError, match="outcome ok has no error_kind 'other'; it has none"):
        completed(Outcome.OK, "other")
