"""The form of the output."""

from __future__ import annotations

import pytest

from fetcher.protocol.output_spec import PLAIN, Output, warcinfo_id


@pytest.mark.parametrize(
    ("output", "suffix"),
    [
        (PLAIN, ".jsonl"),
        (Output(compression="zstd"), ".jsonl.zst"),
        (Output(rows="msgpack"), ".msgpack"),
    ],
)
def test_the_suffix_of_row_files_names_form_and_compression(output: Output, suffix: str) -> None:
    assert output.suffix == suffix


def test_the_output_is_named_in_words() -> None:
    assert str(PLAIN) == "rows jsonl, compression none, bodies none"
    assert str(Output(bodies="warc", warc_dedupe=True)).endswith("bodies warc, warc_dedupe true")


def test_the_id_of_a_warcinfo_record_is_the_same_in_each_process_and_of_one_file_only() -> None:
    # This id is in the files of jobs that have begun: it must never change.
    assert warcinfo_id("job", 0) == warcinfo_id("job", 0, "part-00000.warc.gz")
    others = {warcinfo_id("job", 1), warcinfo_id("jab", 0), warcinfo_id("job", 0, "part-00001")}
    assert len(others | {warcinfo_id("job", 0)}) == 4
    assert warcinfo_id("job", 0) == "<urn:uuid:2d31f1eb-4618-5e85-b6a4-0aa9458dcde3>"
