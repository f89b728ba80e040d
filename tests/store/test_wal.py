"""A damaged write-ahead log of the journal is reported, or an earlier commit is used."""

from __future__ import annotations

import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from fetcher.commit.committer import Committer
from fetcher.errors import DamageError
from fetcher.store.output_dir import OutputDirectory, Store
from fetcher.verify.audit import Audit
from support import outs
from support.intake import chunk_of_lines

LINES, BATCH = 48, outs.BATCH


def commit_from(out: Path, urlfile: Path, copy_to: Path | None = None) -> int:
    """Commit batch by batch what is not there yet; the rows that were there.

    `copy_to`: OUT as a kill -9 just after the last commit leaves it.
    """
    with closing(OutputDirectory(out)) as directory:
        manifest = directory.begin(outs.open_request(urlfile))
        with closing(Store(out, manifest, 2_000)) as store:
            intake = Committer(store, store.journal.recover(), manifest.job, "epoch")
            before = intake.totals.rows
            for first in range(1, LINES + 1, BATCH):
                intake.offer(chunk_of_lines(manifest.job, first, BATCH), BATCH)
                intake.commit()
            if copy_to is not None:
                shutil.copytree(out, copy_to)
    return before


def damage(wal: Path, dice: random.Random) -> None:
    data = bytearray(wal.read_bytes())
    match dice.randrange(4):
        case 0:
            del data[dice.randrange(len(data)) :]
        case 1:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        case 2:
            at = dice.randrange(len(data))
            data[at : at + 4096] = bytes(min(4096, len(data) - at))
        case _:  # pages in another order
            pages = [data[n : n + 4120] for n in range(32, len(data), 4120)]
            dice.shuffle(pages)
            data[32:] = b"".join(pages)
    wal.write_bytes(data)


@pytest.mark.parametrize("tries", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_whatever_becomes_of_the_log_no_line_is_lost_or_twice_in_silence(
    tmp_path: Path, tries: int
) -> None:
    urlfile = outs.write_input(tmp_path / "urls.txt", LINES)
    killed = tmp_path / "killed"
    commit_from(tmp_path / "out", urlfile, killed)
    assert (killed / "journal.sqlite-wal").stat().st_size > 10_000
    dice = random.Random(11)
    damaged, earlier = 0, set()
    for number in range(tries):
        out = tmp_path / f"try{number}"
        shutil.copytree(killed, out)
        (out / "journal.sqlite-shm").unlink(missing_ok=True)  # it is gone with the power
        damage(out / "journal.sqlite-wal", dice)
        try:
            earlier.add(commit_from(out, urlfile))
        except DamageError:
            damaged += 1
        else:
            assert Audit([out], urlfile).run().proven
        shutil.rmtree(out)
    assert len(earlier) > 1, "a log that is cut off is one of an earlier commit"
    assert damaged < tries
