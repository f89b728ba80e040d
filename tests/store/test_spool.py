"""Lines from a pipe are kept in OUT, for one job only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import msgspec
import psutil
import pytest

from fetcher.errors import ConflictError
from fetcher.store import reader, spool
from fetcher.store.output_dir import OutputDirectory
from support.outs import small_open_request
from support.waiting import wait_until


def test_lines_are_not_kept_in_an_out_that_began_with_a_file_meanwhile(tmp_path: Path) -> None:
    def copy(file: BinaryIO) -> None:
        file.write(b"x")

    with ThreadPoolExecutor(1) as pool:
        directory = OutputDirectory(tmp_path)
        keeping = pool.submit(spool.keep, tmp_path, copy, "it")
        lock = str(tmp_path / "lock")
        opened = psutil.Process().open_files
        wait_until(lambda: [file.path for file in opened()].count(lock) == 2, what="its wait")
        directory.begin(small_open_request())
        directory.close()
        with pytest.raises(
            ConflictError, match=r"another job, begun on .* with urls\.txt\. To resume"
        ):
            keeping.result()
    assert not list(tmp_path.glob("input.urls*"))


def test_what_was_kept_for_another_job_is_not_the_input_of_this_one(tmp_path: Path) -> None:
    directory = OutputDirectory(tmp_path)
    made = directory.begin(small_open_request())
    directory.close()
    (tmp_path / "input.urls").write_text("x")
    assert reader.find_input(tmp_path, made) is None
    named = msgspec.structs.replace(made.input, path=f"/elsewhere/{tmp_path.name}/input.urls")
    moved = msgspec.structs.replace(made, input=named)
    assert reader.find_input(tmp_path, moved) == tmp_path / "input.urls"
