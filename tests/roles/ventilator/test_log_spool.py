"""The texts of a crawl's lines, and blocks of their numbers, outside of memory."""

from __future__ import annotations

import random

from fetcher.roles.ventilator.log_spool import BlockSpool, LogSpool


def test_any_lines_are_read_back_in_any_order() -> None:
    dice = random.Random(1)
    texts = [b"" if n % 7 == 0 else b"line %d " % n * dice.randint(1, 9) for n in range(1000)]
    spool, line = LogSpool(), 1
    while line <= len(texts):
        count = dice.randint(1, 150)
        spool.put(line, texts[line - 1 : line - 1 + count])
        line = min(line + count, len(texts) + 1)
        lines = sorted(dice.sample(range(1, line), min(line - 1, 20)))
        assert spool.get(lines) == [texts[n - 1] for n in lines]


def test_blocks_come_back_by_their_tickets() -> None:
    spool = BlockSpool()
    tickets = [spool.put(bytes([n]) * n) for n in range(1, 50)]
    for n, ticket in reversed(list(enumerate(tickets, 1))):
        assert spool.get(ticket) == bytes([n]) * n
