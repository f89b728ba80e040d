"""The built-in site does what its routes promise, as seen by plain sockets and http.client."""

import codecs
import functools
import gzip
import http.client
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.waiting import wait_until, wait_until_steady
from tools.site import bomb
from tools.site.demo import demo_lines
from tools.site.hostile import HOSTILE
from tools.site.pages import demo_page, kind_of, size_of
from tools.site.routes import answer_for
from tools.site.running import RunningSite

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 10.0
ENOUGH = 100_000


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningSite]:
    with RunningSite() as site:
        yield site
        assert site.errors() == ""


@pytest.fixture
def site(shared: RunningSite) -> RunningSite:
    shared.reset()
    return shared


def connect(site: RunningSite) -> socket.socket:
    return socket.create_connection(("127.0.0.1", site.port), timeout=PATIENCE)


def read(sock: socket.socket, enough: int = ENOUGH) -> bytes:
    """The bytes until the end, a reset, or enough of them."""
    parts, size = [], 0
    while size < enough:
        try:
            part = sock.recv(65536)
        except ConnectionResetError:
            break
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def raw(site: RunningSite, path: str, enough: int = ENOUGH) -> bytes:
    """The bytes that a request for `path` brings, at least `enough` of them or all."""
    with connect(site) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return read(sock, enough)


def get(
    site: RunningSite, path: str, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def has_been_asked(site: RunningSite, before: int) -> bool:
    return site.stats()["requests"] > before


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


# Plain routes.


@pytest.mark.parametrize("size", [0, 1, 1000, 65_536, 1_048_576, 3_000_001])
def test_bytes_gives_exactly_that_many(site: RunningSite, size: int) -> None:
    status, _, body = get(site, f"/bytes/{size}")
    assert (status, len(body)) == (200, size)


@pytest.mark.parametrize("status", [200, 204, 299, 304, 404, 418, 429, 500, 599])
def test_status_gives_that_status(site: RunningSite, status: int) -> None:
    assert get(site, f"/status/{status}")[0] == status


@pytest.mark.parametrize(
    "path", ["/nothing", "/status/99", "/bytes/", "/bytes/-1", "/bytes/99999999999", "/page/x"]
)
def test_a_path_without_a_route_is_not_found(site: RunningSite, path: str) -> None:
    assert get(site, path)[0] == 404


def test_latency_answers_after_that_time(site: RunningSite) -> None:
    start = time.monotonic()
    assert get(site, "/latency/200")[0] == 200
    assert 0.19 < time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/redirect/3", "/redirect/2"),
        ("/redirect/1", "/bytes/1000"),
        ("/redirect-loop", "/redirect-loop"),
        ("/redirect-to?url=http%3A%2F%2Fa.example%2F%3Fx%3D1%26y", "http://a.example/?x=1&y"),
        ("/redirect-to?url=%2Fcaf%E9", "/caf\xe9"),
        ("/hostile/redirect-file", "file:///etc/passwd"),
        ("/hostile/redirect-bad-host", "http://[::1"),
        ("/hostile/redirect-latin1", "/bytes/10?caf\xe9"),
    ],
)
def test_redirects_lead_where_they_say(site: RunningSite, path: str, location: str) -> None:
    assert f"\r\nLocation: {location}\r\n".encode("latin-1") in raw(site, path, 20)
    assert get(site, path)[0] == 302


def test_no_redirect_is_left_after_the_last_hop(site: RunningSite) -> None:
    assert get(site, "/redirect/0")[0] == 200


def test_cookies_are_set_and_shown(site: RunningSite) -> None:
    cookies = get(site, "/cookies/set")[1].get_all("Set-Cookie")
    assert cookies == ["session=abc123; Path=/; HttpOnly", "theme=dark"]
    assert get(site, "/cookies/show", headers={"Cookie": "a=1; b=2"})[2] == b"a=1; b=2"
    assert get(site, "/cookies/show")[2] == b""


def test_headers_are_echoed(site: RunningSite) -> None:
    said = json.loads(get(site, "/headers?q=1", "PUT", {"X-Mine": "yes"})[2])
    assert (said["method"], said["target"]) == ("PUT", "/headers?q=1")
    assert said["headers"]["X-Mine"] == "yes"
    assert ["X-Mine", "yes"] in said["pairs"]


def test_a_tagged_page_is_not_sent_to_who_has_it(site: RunningSite) -> None:
    status, headers, body = get(site, "/tagged")
    assert (status, headers["ETag"]) == (200, '"1"')
    assert b"/page/1" in body
    status, headers, body = get(site, "/tagged", headers={"If-None-Match": '"1"'})
    assert (status, headers["ETag"], body) == (304, '"1"', b"")
    assert get(site, "/tagged", headers={"If-None-Match": '"2"'})[0] == 200


def test_gzip_unpacks_to_that_many_bytes(site: RunningSite) -> None:
    _, headers, body = get(site, "/gzip/50000")
    assert headers["Content-Encoding"] == "gzip"
    assert len(gzip.decompress(body)) == 50_000 > len(body)


@pytest.mark.parametrize(("path", "charset"), [("/utf16", "utf-16"), ("/latin1", "iso-8859-1")])
def test_declared_charsets_are_the_real_ones(site: RunningSite, path: str, charset: str) -> None:
    _, headers, body = get(site, path)
    assert headers.get_content_charset() == charset
    assert "Crème brûlée" in body.decode(charset)


def test_a_body_without_length_ends_with_the_connection(site: RunningSite) -> None:
    status, headers, body = get(site, "/no-length")
    assert (status, headers["Content-Length"], len(body)) == (200, None, 3000)


@pytest.mark.parametrize("size", [0, 999, 1000, 12_345])
def test_chunks_add_up(site: RunningSite, size: int) -> None:
    _, headers, body = get(site, f"/chunked/{size}")
    assert (headers["Transfer-Encoding"], len(body)) == ("chunked", size)


# The demo.


def test_the_mix_has_every_kind_and_ends_soon() -> None:
    answers = [demo_page(number) for number in range(3000)]
    seen = {answer.wire[9:12] for answer in answers}
    assert seen == {b"200", b"301", b"302", b"404", b"410", b"500", b"503"}
    assert any(b"image/png" in answer.wire[:60] for answer in answers)
    assert any(b"Content-Encoding: gzip" in answer.wire[:120] for answer in answers)
    assert 0 < sum(answer.close for answer in answers) < 100
    assert 1 < max(answer.delay for answer in answers) <= 2


def test_the_mix_has_pages_of_many_sizes() -> None:
    sizes = sorted(size_of(number) for number in range(3000))
    assert 4_000 < sizes[1500] < 6_000
    assert 512 <= sizes[0] < 700
    assert 50_000 < sizes[-1] <= 100_000


def test_a_moved_page_leads_to_a_plain_one(site: RunningSite) -> None:
    moved = [n for n in range(300) if demo_page(n).wire[9:12] in (b"301", b"302")]
    assert moved
    for number in moved:
        target = int(get(site, f"/page/{number}")[1]["Location"].rpartition("/")[2])
        assert kind_of(target).__name__ == "_good"
    assert get(site, f"/page/{target}")[0] == 200


def test_a_cut_page_ends_before_its_length(site: RunningSite) -> None:
    number = next(n for n in range(3000) if demo_page(n).close)
    with pytest.raises(http.client.IncompleteRead):
        get(site, f"/page/{number}")


def test_the_same_page_is_always_the_same() -> None:
    assert [demo_page(n) for n in range(100)] == [demo_page(n) for n in range(100)]


def test_the_list_is_a_mix_with_flaws() -> None:
    lines = list(demo_lines("http://127.0.0.1:1", 3000))
    assert lines == list(demo_lines("http://127.0.0.1:1", 3000))
    assert lines[0].startswith("#")
    assert "" in lines
    assert {"javascript:void(0)", "http://nowhere.invalid/"} <= set(lines)
    assert (
        sum(re.fullmatch(r"http://127.0.0.1:1/page/\d+", line) is not None for line in lines)
        == 3000
    )
    assert 3000 < len(lines) < 3100


def test_every_address_on_the_list_exists() -> None:
    lines = demo_lines("http://127.0.0.1:1", 0)
    paths = [line.removeprefix("http://127.0.0.1:1") for line in lines if ":1/" in line]
    assert len(paths) > 20
    for path in paths:
        found = path == "/headers" or not answer_for(path.encode()).wire.startswith(b"HTTP/1.1 404")
        assert found, path


# Hostile answers.

HEAD = b"HTTP/1.1 200 OK\r\n"

FINITE = {
    "close-at-once": rb"",
    "close-mid-header": rb"HTTP/1.1 200 OK\r\n.*Content-Le",
    "close-mid-body": rb"HTTP/1.1 200 OK\r\n.*chunked\r\n\r\n3e8\r\n.{500}",
    "garbage": rb"[\x80-\xff]{2000}",
    "bad-length": rb"HTTP/1.1 200 OK\r\n.*Content-Length: 10000\r\n\r\n.{1000}",
    "negative-length": rb"HTTP/1.1 200 OK\r\n.*Content-Length: -5\r\n\r\nhello",
    "double-length": rb".*Content-Length: 10\r\nContent-Length: 20\r\n\r\n.{20}",
    "cl-te": rb".*Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "lf-only": rb"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    "colonless": rb"HTTP/1.1 200 OK\r\n.*\r\na header without its colon\r\n.*hello",
    "status-junk": rb"HTTP/1.1 999999 what\r\n.*hello",
}

ENDLESS = {
    "endless": rb"HTTP/1.1 200 OK\r\n.*\r\n\r\nall work",
    "endless-100": rb"(HTTP/1.1 100 Continue\r\n\r\n)+",
    "endless-trailers": rb"HTTP/1.1 200 OK\r\n.*\r\n\r\n5\r\nhello\r\n0\r\nX-Flood-0: 0\r\nX-",
    "header-flood": rb"HTTP/1.1 200 OK\r\n.*X-Flood-0: 0\r\nX-Flood-1: 1\r\n",
}


@pytest.mark.parametrize("name", FINITE)
def test_a_broken_answer_is_broken_in_its_way_and_ends(site: RunningSite, name: str) -> None:
    assert re.fullmatch(FINITE[name], raw(site, f"/hostile/{name}"), re.DOTALL)


@pytest.mark.parametrize("path", [*(f"/hostile/{name}" for name in ENDLESS)])
def test_an_endless_answer_goes_on(site: RunningSite, path: str) -> None:
    data = raw(site, path, 2_000_000)
    assert len(data) >= 2_000_000
    assert re.match(ENDLESS[path.rpartition("/")[2]], data, re.DOTALL)
    wait_until(lambda: site.stats()["open"] == 0)


def test_a_redirect_may_have_an_endless_body(site: RunningSite) -> None:
    data = raw(site, "/redirect-endless-body", 1_000_000)
    assert data.startswith(b"HTTP/1.1 302 Found\r\nLocation: /bytes/1000\r\n")
    assert len(data) >= 1_000_000


@pytest.mark.parametrize("name", ["drip-headers", "drip-body"])
def test_a_drip_sends_a_byte_now_and_then(site: RunningSite, name: str) -> None:
    with connect(site) as sock:
        sock.sendall(f"GET /hostile/{name} HTTP/1.1\r\n\r\n".encode())
        first = sock.recv(65536)
        assert (b"\r\n\r\n" in first) == (name == "drip-body")
        assert [sock.recv(65536), sock.recv(65536)] == [b"a", b"a"]
    wait_until(lambda: site.stats()["open"] == 0)


def test_never_is_silent_until_the_client_leaves(site: RunningSite) -> None:
    with connect(site) as sock:
        sock.sendall(b"GET /hostile/never HTTP/1.1\r\n\r\n")
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert site.stats()["open"] == 1
    wait_until(lambda: site.stats()["open"] == 0)


@pytest.mark.parametrize(("path", "status"), [("/hostile/gzip-bomb", 200), ("/redirect-bomb", 302)])
def test_a_bomb_is_small_on_the_wire(site: RunningSite, path: str, status: int) -> None:
    got, headers, body = get(site, path)
    assert (got, headers["Content-Encoding"]) == (status, "gzip")
    assert body == bomb.packed()
    assert len(body) < 1_200_000


def test_a_bomb_unpacks_to_a_correct_gigabyte() -> None:
    inflate = zlib.decompressobj(wbits=31)
    size, rest = 0, bomb.packed()
    while not inflate.eof:
        size += len(inflate.decompress(rest, 1 << 22))
        rest = inflate.unconsumed_tail
    assert size == bomb.UNPACKED


def test_bad_gzip_cannot_be_unpacked(site: RunningSite) -> None:
    _, headers, body = get(site, "/hostile/bad-gzip")
    assert headers["Content-Encoding"] == "gzip"
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(body)


def test_the_odd_charset_is_unknown(site: RunningSite) -> None:
    charset = get(site, "/hostile/odd-charset")[1].get_content_charset()
    with pytest.raises(LookupError):
        codecs.lookup(str(charset))


def test_every_hostile_route_is_tested_here() -> None:
    others = ["never", "drip-headers", "drip-body", "gzip-bomb", "bad-gzip", "odd-charset"]
    others += ["redirect-file", "redirect-bad-host", "redirect-latin1"]
    assert sorted(name.decode() for name in HOSTILE) == sorted([*FINITE, *ENDLESS, *others])


# The protocol.


def test_a_connection_is_kept_for_the_next_request(site: RunningSite) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE)
    for path in ["/bytes/10", "/latency/1", "/bytes/2000000", "/chunked/10", "/status/204"]:
        connection.request("GET", path)
        connection.getresponse().read()
    connection.close()
    assert site.stats() == {"requests": 5, "open": 0, "peak_open": 1, "connections": 1}


def test_pipelined_requests_are_answered_in_their_order(site: RunningSite) -> None:
    paths = ["/bytes/1", "/latency/50", "/bytes/2", "/latency/1", *["/bytes/3"] * 1000]
    requests = "".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths)
    with connect(site) as sock:
        sock.sendall(requests.encode() + b"GET /bytes/4 HTTP/1.0\r\n\r\n")
        data = read(sock, 10_000_000)
    lengths = [int(length) for length in re.findall(rb"Content-Length: (\d+)", data)]
    assert lengths == [1, 5, 2, 5, *[3] * 1000, 4]


def test_a_request_may_come_in_pieces(site: RunningSite) -> None:
    with connect(site) as sock:
        for byte in b"GET /bytes/7 HTTP/1.0\r\n\r\n":
            sock.sendall(bytes([byte]))
            time.sleep(0.001)
        assert read(sock).endswith(b"\r\n\r\nThe qui")


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /bytes/5 HTTP/1.0\r\n\r\n",
        b"GET /bytes/5 HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /bytes/5 HTTP/1.1\r\nHost: x\r\ncONNECTION:x, CLOSE\r\n\r\n",
    ],
)
def test_a_wish_to_close_is_honoured(site: RunningSite, request_head: bytes) -> None:
    with connect(site) as sock:
        sock.sendall(request_head)
        data = read(sock)
    assert data.endswith(b"\r\n\r\nThe q")
    assert b"\r\nConnection: close\r\n" in data


def test_head_gets_the_headers_alone(site: RunningSite) -> None:
    status, headers, body = get(site, "/bytes/500", "HEAD")
    assert (status, headers["Content-Length"], body) == (200, "500", b"")


def test_the_body_of_a_request_is_passed_over(site: RunningSite) -> None:
    with connect(site) as sock:
        sock.sendall(b"POST /bytes/5 HTTP/1.1\r\nContent-Length: 200000\r\n\r\n")
        sock.sendall(b"x" * 200_000 + b"GET /bytes/6 HTTP/1.0\r\n\r\n")
        data = read(sock)
    assert re.findall(rb"Content-Length: (\d)", data) == [b"5", b"6"]


@pytest.mark.parametrize(
    ("nonsense", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"GET\r\n\r\n", b"400"),
        (b"GET / HTTP/2.0\r\n\r\n", b"400"),
        (b"\r\n\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 70_000, b"431"),
    ],
)
def test_nonsense_is_refused(site: RunningSite, nonsense: bytes, status: bytes) -> None:
    with connect(site) as sock:
        sock.sendall(nonsense)
        assert read(sock)[9:12] in (status, b"")
    assert get(site, "/bytes/1")[0] == 200


def test_a_half_closed_client_gets_what_it_asked_for(site: RunningSite) -> None:
    with connect(site) as sock:
        sock.sendall(b"GET /latency/50 HTTP/1.1\r\n\r\nGET /bytes/5 HTTP/1.1\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        data = read(sock)
    assert b"late\n" in data
    assert data.endswith(b"The q")


def test_a_half_closed_client_is_not_kept_for_an_endless_answer(site: RunningSite) -> None:
    with connect(site) as sock:
        sock.sendall(b"GET /latency/50 HTTP/1.1\r\n\r\nGET /hostile/never HTTP/1.1\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        assert read(sock).endswith(b"late\n")
    wait_until(lambda: site.stats()["open"] == 0)


def test_clients_that_reset_are_forgotten(site: RunningSite) -> None:
    for path in ["/hostile/endless", "/latency/5000", "/bytes/100000000", "/hostile/never"]:
        asked = site.stats()["requests"]
        sock = connect(site)
        sock.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wait_until(functools.partial(has_been_asked, site, asked), what="the request")
        sock.close()
    wait_until(lambda: site.stats()["open"] == 0)
    assert site.errors() == ""


def test_a_client_that_asks_and_never_reads_costs_little(site: RunningSite) -> None:
    request = b"GET /bytes/1000000 HTTP/1.1\r\n\r\n"
    with connect(site) as asker, connect(site) as reader:
        asker.sendall(request * 1000)
        reader.sendall(b"GET /hostile/endless HTTP/1.1\r\n\r\n")
        wait_until_steady(lambda: site.stats()["requests"], for_s=0.3)
        status = Path(f"/proc/{site.pid}/status").read_text()
        assert int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) < 150_000
        assert get(site, "/bytes/1")[0] == 200


# The counters.


def test_hits_are_counted_by_target(site: RunningSite) -> None:
    for path in ["/bytes/1", "/bytes/1", "/bytes/1?q=2", "/nothing", "/cookies/show"]:
        get(site, path)
    hits = {"/bytes/1": 2, "/bytes/1?q=2": 1, "/nothing": 1, "/cookies/show": 1}
    assert site.hits() == hits
    assert site.stats()["requests"] == site.stats()["connections"] == 5
    site.reset()
    assert site.hits() == {}


def test_the_peak_of_open_requests_is_kept(site: RunningSite) -> None:
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: get(site, "/latency/300"), range(20)))
    stats = site.stats()
    assert (stats["peak_open"], stats["open"], stats["requests"]) == (20, 0, 20)


# The process.


def test_a_latency_for_all_delays_every_answer() -> None:
    with RunningSite(latency_ms=150) as site:
        start = time.monotonic()
        socks = [connect(site) for _ in range(300)]
        for sock in socks:
            sock.sendall(b"GET /bytes/5 HTTP/1.0\r\n\r\n")
        assert all(read(sock).endswith(b"The q") for sock in socks)
        assert 0.15 < time.monotonic() - start < 30
        assert site.stats()["peak_open"] == 300
        for sock in socks:
            sock.close()


def test_the_site_is_gone_after_its_block(tmp_path: Path) -> None:
    with RunningSite(pages=5, urls=tmp_path / "urls.txt") as site:
        pid = site.pid
        assert runs(pid)
        assert f"{site.base}/page/4" in (tmp_path / "urls.txt").read_text().splitlines()
    assert not runs(pid)


def test_the_site_leaves_when_its_parent_dies() -> None:
    program = (
        "import os; from tools.site.running import RunningSite\n"
        "site = RunningSite().__enter__(); print(site.pid, flush=True); os._exit(0)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    wait_until(lambda: not runs(int(answer.stdout)))


def test_a_site_that_cannot_start_says_why(site: RunningSite) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "tools.site", "--port", str(site.port)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    assert "in use" in answer.stderr
