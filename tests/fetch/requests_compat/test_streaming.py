"""Over our adapter answers are read, and requests sent, piece by piece as they come."""

from __future__ import annotations

import contextlib
import gc
import gzip
import io
import socket
import threading
import time
from collections.abc import Iterator

import gevent
import pytest
import requests
import zstandard

from support.by_hand import MAX_S, read_head, served, session
from support.scripted import Script, answer, chunked, head, scripted

# libcurl has the number of a socket that Python forgets.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket object:ResourceWarning")
PACKED = gzip.compress(b"the same text again and again, " * 100, mtime=0)


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_chunk_is_read_before_the_next_one_is_sent(encoding: str) -> None:
    went_on = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(head("Transfer-Encoding: chunked", f"Content-Encoding: {encoding}"))
        for word in (b"one\n", b"two\n"):
            data = gzip.compress(word) if encoding else word
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            went_on.wait(MAX_S)
        connection.sendall(b"0\r\n\r\n")

    with served(serve) as base:
        response = session().get(base, stream=True)
        lines = response.iter_lines(chunk_size=1 if encoding else 512)
        assert next(lines) == b"one"
        assert response.elapsed.total_seconds() < MAX_S / 2
        went_on.set()
        assert list(lines) == [b"two"]
    assert response.raw.closed


def test_raw_gives_bytes_as_received_and_decoded_ones_where_it_is_asked_to() -> None:
    page = Script(answer(PACKED, "Content-Encoding: gzip"), end="keep")
    with scripted({"/": page}) as server:
        asking = session()
        raw = asking.get(server.url("/"), stream=True).raw
        assert raw.read(10) + raw.read() == PACKED
        assert raw.read() == b""
        raw = asking.get(server.url("/"), stream=True).raw
        assert raw.read(7, decode_content=True) == b"the sam"
        assert len(raw.read(decode_content=True)) == 3100 - 7
        assert asking.get(server.url("/")).text.startswith("the same")
    assert server.connections == 1


def test_zstd_is_decoded_where_requests_asks_for_it() -> None:
    packed = zstandard.compress(b"the same text again and again, " * 10_000)
    page = Script(answer(packed, "Content-Encoding: zstd"), end="keep")
    with scripted({"/": page}) as server:
        asking = session()
        can = "zstd" in str(asking.headers["Accept-Encoding"])
        assert len(asking.get(server.url("/")).content) == (310_000 if can else len(packed))
        if can:
            capped = session(http={"max_body_bytes": 100_000})
            with pytest.raises(requests.RequestException, match="max_body_bytes"):
                capped.get(server.url("/"))


def test_a_server_waits_while_the_response_is_not_read_and_is_left_when_it_is_closed() -> None:
    sent = [0]
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        connection.sendall(head("Content-Length: 1000000000"))
        with contextlib.suppress(ConnectionError):
            while True:
                sent[0] += connection.send(b"x" * 65536)
        ended.set()

    big = {"max_body_bytes": 2**31, "max_wire_bytes": 2**31}
    with served(serve) as base:
        response = session(http=big).get(base, stream=True)
        assert response.raw.read(100) == b"x" * 100
        before = -1
        deadline = time.monotonic() + MAX_S
        while before != sent[0] and time.monotonic() < deadline:
            before = sent[0]
            _turn(0.3)
        assert sent[0] < 32 * 2**20  # what the kernel holds, and our buffer
        assert len(response.raw.read(5_000_000)) == 5_000_000
        response.close()
        _turn(0.1)
        assert ended.wait(MAX_S)


def test_a_response_without_references_is_closed() -> None:
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(head("Content-Length: 1000000") + b"x")
        connection.recv(1)
        ended.set()

    with served(serve) as base:
        response = session().get(base, stream=True)
        assert response.status_code == 200
        del response
        gc.collect()
        _turn(0.1)
        assert ended.wait(MAX_S)


def test_what_came_before_a_cut_is_read_and_then_the_cut_is_an_error() -> None:
    script = Script(head("Content-Length: 1000") + b"only this")
    with scripted({"/": script, "/head": Script(b"HTTP/1.1 200 OK\r\nA: b\r\n")}) as server:
        asking = session()
        response = asking.get(server.url("/"), stream=True)
        pieces = response.iter_content(4)
        assert (next(pieces), next(pieces)) == (b"only", b" thi")
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="broke"):
            list(pieces)
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            asking.get(server.url("/"))
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="headers"):
            asking.get(server.url("/head"))


@pytest.mark.parametrize("how", ["content", "pieces", "raw"])
def test_a_bomb_is_an_error_before_it_fills_the_memory(how: str) -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with scripted({"/": Script(answer(bomb, "Content-Encoding: gzip"))}) as server:
        response = session(http={"max_ratio": 100}).get(server.url("/"), stream=True)
        with pytest.raises(requests.RequestException, match="max_ratio"):
            if how == "content":
                assert response.content
            elif how == "pieces":
                assert sum(map(len, response.iter_content(1000)))
            else:
                response.raw.read(decode_content=True)


def test_a_body_beyond_the_cap_is_an_error() -> None:
    body = b"x" * 100_000
    with scripted({"/": Script(answer(body)), "/chunks": Script(_chunks(body))}) as server:
        asking = session(http={"max_body_bytes": 50_000})
        for path in ("/", "/chunks"):
            with pytest.raises(requests.RequestException, match="max_body_bytes"):
                asking.get(server.url(path))


def test_a_generator_is_asked_for_its_next_piece_when_the_last_one_is_sent() -> None:
    arrived = threading.Event()

    def serve(connection: socket.socket) -> None:
        asked = read_head(connection).lower()
        assert b"transfer-encoding: chunked" in asked
        assert b"expect" not in asked
        assert connection.recv(100) == b"3\r\none\r\n"
        arrived.set()
        rest = b""
        while not rest.endswith(b"0\r\n\r\n"):
            piece = connection.recv(100)
            assert piece, "the request breaks off"
            rest += piece
        connection.sendall(answer(rest))

    def body() -> Iterator[bytes]:
        yield b"one"
        deadline = time.monotonic() + MAX_S
        while not arrived.is_set() and time.monotonic() < deadline:
            _turn(0.01)
        yield b""
        yield b"two"

    with served(serve) as base:
        response = session().post(base, data=body())
    assert arrived.is_set()
    assert response.content == b"3\r\ntwo\r\n0\r\n\r\n"


def test_a_file_is_sent_with_its_length_and_not_read_at_once() -> None:
    size = 20_000_000

    class File(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(size)
            self.largest = max(self.largest, len(piece))
            return piece

    def serve(connection: socket.socket) -> None:
        asked = read_head(connection)
        left = size
        while left:
            left -= len(connection.recv(min(left, 2**20)))
        connection.sendall(answer(asked))

    file = File(b"x" * size)
    with served(serve) as base:
        asked = session().put(base, data=file).text.lower()
    assert f"content-length: {size}" in asked
    assert "transfer-encoding" not in asked
    assert 0 < file.largest <= 2**20


def test_what_a_body_raises_comes_out_and_ends_the_request() -> None:
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        while connection.recv(100):
            pass
        ended.set()

    def body() -> Iterator[bytes]:
        yield b"one"
        raise LookupError("no more")

    with served(serve) as base:
        with pytest.raises(LookupError, match="no more"):
            session().post(base, data=body())
        _turn(0.1)
        assert ended.wait(MAX_S)


def test_a_server_that_answers_before_the_body_has_ended_ends_it() -> None:
    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.recv(1)
        connection.sendall(answer(b"enough", "Connection: close", status="413 Too Large"))

    def body() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 10_000

    # Its reset may be faster than its words, with the stock adapter too.
    with served(serve) as base, contextlib.suppress(requests.ConnectionError):
        assert session().post(base, data=body()).status_code == 413


def _chunks(body: bytes) -> bytes:
    return head("Transfer-Encoding: chunked") + chunked(body)


def _turn(seconds: float) -> None:
    """Let the loop of this thread run."""
    gevent.sleep(seconds)


def test_a_transport_that_is_forgotten_leaves_no_watcher_at_a_closed_number() -> None:
    # libev would abort this very process.
    with scripted({"/": Script(answer(b"ok"), end="keep")}) as server:
        for _ in range(10):
            refused = session(guard={"allow": []})
            with pytest.raises(requests.ConnectionError):
                refused.get(server.url("/"))
            assert session().get(server.url("/")).ok
            del refused
            gc.collect()
