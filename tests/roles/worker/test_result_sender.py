"""Rows are sent in order, each once, and what waits is known."""

from __future__ import annotations

import gevent

from fetcher.model import Chunk
from fetcher.protocol.messages import ChunkHeader
from fetcher.roles.worker.result_sender import ResultSender
from support.chunks import chunk_of_lines
from support.recording import RecordingSocket

Sent = list[tuple[Chunk | None, int | None]]


def test_chunks_and_ends_of_leases_are_sent_in_order() -> None:
    socket, sent = RecordingSocket(), Sent()
    sender = ResultSender(socket, lambda chunk, ended: sent.append((chunk, ended)))
    first, second = chunk_of_lines("j", 1, 4), chunk_of_lines("j", 5, 4)
    sender.put(first, None)
    sender.put(None, 3)
    sender.put(second, 4)
    running = gevent.spawn(sender.run)
    sender.join()
    running.kill()
    assert sent == [(first, None), (None, 3), (second, 4)]
    headers = [message for message in socket.sent if isinstance(message, ChunkHeader)]
    assert [header.lines for header in headers] == [first.lines, second.lines]
    assert socket.frames[0].startswith(first.rows)


def test_nothing_counts_as_sent_while_the_sink_takes_nothing() -> None:
    class Slow(RecordingSocket):
        """A socket that takes a message only when the test says so."""

        def send_multipart(self, frames: list[bytes], flags: int = 0) -> None:
            gate.wait()
            super().send_multipart(frames, flags)

    gate, sent = gevent.event.Event(), Sent()
    sender = ResultSender(Slow(), lambda chunk, ended: sent.append((chunk, ended)))
    running = gevent.spawn(sender.run)
    sender.put(chunk_of_lines("j", 1, 4), 1)
    gevent.idle()
    assert sent == []
    gate.set()
    sender.join()
    running.kill()
    assert [ended for _, ended in sent] == [1]
