"""A job's last work is done in slices, and begins again after a failure."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.protocol.output_spec import Output
from fetcher.roles.sink.finishing import Finishing
from fetcher.store import cdxj
from fetcher.store.journal import Journal
from support import outs

MOST_STEPS = 1000


def test_an_index_that_could_not_be_made_is_made_the_next_time(tmp_path: Path) -> None:
    urls = outs.write_input(tmp_path / "urls.txt", 3)
    rows = [outs.row(line) for line in range(1, 4)]
    out = outs.make_out(tmp_path / "out", urls, rows, output=Output(bodies="warc"))
    path, in_the_way = out / "bodies" / "index.cdxj", out / "bodies" / "index.cdxj.tmp"
    path.unlink()
    in_the_way.mkdir()
    with contextlib.closing(Journal(out / "journal.sqlite")) as journal:
        finishing = Finishing(lambda: cdxj.build(out, journal.lengths()))
        assert not finishing.is_begun
        with pytest.raises(DamageError, match=r"index\.cdxj"):
            for _ in range(MOST_STEPS):
                assert not finishing.work() and finishing.is_begun
        assert not finishing.is_begun and not path.exists()
        in_the_way.rmdir()
        assert any(finishing.work() for _ in range(MOST_STEPS))
    assert path.exists()
