"""A sink takes rows that are rows, of lines that were handed out, and nothing else."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from fetcher import bitset
from fetcher.error_kinds import KINDS, WORDS, ErrorKind
from fetcher.errors import WireError
from fetcher.input import formats
from fetcher.input.formats import LineFormat
from fetcher.model import OUTCOME_CODE, Chunk, Found, Outcome, Result, Task
from fetcher.protocol import line_tags
from fetcher.protocol.output_spec import BodyNames, Output, RowForm
from fetcher.rows.body_names import body_file
from fetcher.rows.check import RowChecker
from fetcher.rows.forms import CODECS

KEY = b"k" * 32
MASK = bitset.pack(0b1111)
FORMS: tuple[RowForm, ...] = ("jsonl", "msgpack")


def result(line: int) -> Result:
    return Result(line, f"http://test.invalid/{line}", Outcome.OK, 200, body_bytes=line)


def chunk_of(
    rows: Sequence[bytes],
    results: Sequence[Result],
    kept: Sequence[bytes] = (),
    empty: Sequence[int] = (),
) -> Chunk:
    """As an honest worker sends it, which was handed out lines 5 to 8 (batch 1 of 4 lines)."""
    named = [(r.line, r.url, None if r.id is UNSET else r.id) for r in results]
    return Chunk(
        job="j",
        batch=1,
        batch_mask=MASK,
        worker="w",
        lines=[r.line for r in results],
        row_bytes=[len(row) for row in rows],
        outcomes=[OUTCOME_CODE[r.outcome] for r in results],
        statuses=[r.status or 0 for r in results],
        body_bytes=[r.body_bytes or 0 for r in results],
        rows=b"".join(rows),
        kept=b"".join(kept),
        kept_bytes=[len(each) for each in kept],
        tags=line_tags.of_lines(KEY, 1, MASK, named),
        empty=list(empty),
    )


def honest(form: RowForm = "jsonl", count: int = 3) -> Chunk:
    results = [result(line) for line in range(5, 5 + count)]
    return chunk_of([CODECS[form].encode(each) for each in results], results)


def require(chunk: Chunk, form: RowForm = "jsonl") -> None:
    RowChecker(Output(rows=form), KEY).require(chunk)


@pytest.mark.parametrize("form", FORMS)
def test_an_honest_chunk_is_taken(form: RowForm) -> None:
    require(honest(form), form)


# -- what is not one row each ----------------------------------------------------------------


def with_rows(rows: Sequence[bytes]) -> Chunk:
    """The rows of an honest chunk replaced by these, their lengths told as they are."""
    return replace(
        honest(count=len(rows)), rows=b"".join(rows), row_bytes=[len(row) for row in rows]
    )


GOOD = [CODECS["jsonl"].encode(result(line)) for line in (5, 6, 7)]
GARBLED: dict[str, Sequence[bytes]] = {
    "garbage after a row": [GOOD[0], GOOD[1] + b"garbage", GOOD[2]],
    "garbage before a row": [GOOD[0], b"garbage" + GOOD[1], GOOD[2]],
    "two rows as one": [GOOD[0], GOOD[1] + GOOD[1], GOOD[2]],
    "two rows in one line": [GOOD[0], GOOD[1][:-1] + GOOD[1], GOOD[2]],
    "a blank line at the end": [GOOD[0], GOOD[1] + b"\n", GOOD[2]],
    "a line feed within": [GOOD[0], GOOD[1].replace(b',"url"', b',\n"url"'), GOOD[2]],
    "no line feed": [GOOD[0], GOOD[1], GOOD[2][:-1]],
    "white space for a line feed": [GOOD[0], GOOD[1][:-1] + b" ", GOOD[2]],
    "a list": [GOOD[0], b"[" + GOOD[1][:-1] + b"]\n", GOOD[2]],
    "a number": [GOOD[0], b"6\n", GOOD[2]],
    "half a row": [GOOD[0], GOOD[1][:40] + b"\n", GOOD[2]],
    "an empty row": [GOOD[0], b"", GOOD[2]],
    "not UTF-8, in a value": [GOOD[0], GOOD[1].replace(b'"worker":"', b'"worker":"\xff'), GOOD[2]],
    "not UTF-8, in a key": [GOOD[0], GOOD[1][:-2] + b',"\xff":1}\n', GOOD[2]],
    "a key that no row has": [GOOD[0], GOOD[1][:-2] + b',"more":1}\n', GOOD[2]],
    "a list of headers that is none": [
        GOOD[0],
        GOOD[1].replace(b'"headers":[]', b'"headers":7'),
        GOOD[2],
    ],
    "an outcome that there is not": [GOOD[0], GOOD[1].replace(b'"ok"', b'"no"'), GOOD[2]],
    "nested beyond all bounds": [GOOD[0], b'{"extra":' * 100_000 + b"\n", GOOD[2]],
}


@pytest.mark.parametrize("what", GARBLED)
def test_what_is_not_exactly_one_row_is_refused(what: str) -> None:
    with pytest.raises(WireError, match="chunk: "):
        require(with_rows(GARBLED[what]))


def test_a_row_that_is_longer_and_the_next_that_is_shorter_are_refused() -> None:
    chunk = honest()
    first, second, third = chunk.row_bytes
    with pytest.raises(WireError):
        require(replace(chunk, row_bytes=[first + 1, second - 1, third]))


@pytest.mark.parametrize("more", [b"\xc0", b"\x80", b"\xc1"])
def test_a_map_with_trailing_bytes_is_refused(more: bytes) -> None:
    chunk = honest("msgpack", 1)
    data = chunk.rows + more
    with pytest.raises(WireError, match="a row cannot be decoded"):
        require(replace(chunk, rows=data, row_bytes=[len(data)]), "msgpack")


def test_rows_of_the_other_form_are_refused() -> None:
    for form, other in zip(FORMS, reversed(FORMS), strict=True):
        with pytest.raises(WireError):
            require(honest(form), other)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """The rows of an honest chunk with some bytes changed, and where they are said to end."""
    data = bytearray(b"".join(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 3)))
        data[start:end] = draw(st.sampled_from(PIECES) | st.binary(max_size=3))
    cuts = [k + 1 for k, byte in enumerate(data) if byte == 0x0A][:2] or [0]
    cuts = sorted(
        min(max(cut + draw(st.sampled_from([0, 0, 0, 1, -1])), 0), len(data)) for cut in cuts
    )
    ends = [*cuts, *[len(data)] * (3 - len(cuts))]
    return bytes(data), [end - start for start, end in itertools.pairwise([0, *ends])]


PIECES = [
    b"\n",
    b"}\n{",
    b" ",
    b"\r\n",
    b'"',
    b"\\",
    b"\xff",
    b"\xc3",
    b"\x00",
    b"{",
    b"}",
    b",",
    b"",
]


def is_taken_slowly(chunk: Chunk) -> bool:
    """Whether each row is one JSON object in one line, with a row's keys and what is said of it."""
    start = 0
    for index, size in enumerate(chunk.row_bytes):
        row = chunk.rows[start : start + size]
        start += size
        if not row.endswith(b"\n") or row.count(b"\n") != 1:
            return False
        try:
            value = json.loads(row.decode("utf-8"))
            read = CODECS["jsonl"].decode(row)
        except (ValueError, msgspec.MsgspecError):
            return False
        if not value.keys() <= set(Result.__struct_fields__):
            return False
        true = result(chunk.lines[index])
        keys = ("line", "url", "outcome", "status", "body_bytes", "id", "body_file", "warc_id")
        if any(getattr(read, key) != getattr(true, key) for key in keys):
            return False
    return True


@given(mutated())
@example((GOOD[0] + b"\n".join([GOOD[1][:9], GOOD[1][9:]]), [len(GOOD[0]), 10, len(GOOD[1]) - 9]))
@settings(deadline=None, max_examples=250)
def test_changed_rows_are_taken_where_a_slow_and_plain_check_takes_them(
    changed: tuple[bytes, list[int]],
) -> None:
    rows, sizes = changed
    chunk = replace(honest(), rows=rows, row_bytes=sizes)
    try:
        require(chunk)
    except WireError:
        assert not is_taken_slowly(chunk)
    else:
        assert is_taken_slowly(chunk)


# -- what is not of its line -----------------------------------------------------------------


LIES: dict[str, Callable[[Chunk], Chunk]] = {
    "another line in the header": lambda c: replace(c, lines=[5, 6, 8]),
    "lines in another order": lambda c: replace(c, lines=[6, 5, 7]),
    "another mask": lambda c: replace(c, batch_mask=bitset.pack(0b111)),
    "another batch": lambda c: replace(c, batch=2),
    "another's tags": lambda c: replace(c, tags=c.tags[8:] + c.tags[:8]),
    "no tags": lambda c: replace(c, tags=b""),
    "one tag too many": lambda c: replace(c, tags=c.tags + bytes(8)),
    "another outcome": lambda c: replace(c, outcomes=[0, 1, 0]),
    "another status": lambda c: replace(c, statuses=[200, 200, 404]),
    "another size": lambda c: replace(c, body_bytes=[5, 6, 1 << 40]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", LIES)
def test_a_chunk_that_lies_about_its_rows_is_refused(what: str, form: RowForm) -> None:
    with pytest.raises(WireError, match="chunk: "):
        require(LIES[what](honest(form)), form)


def test_a_row_with_another_url_or_id_than_its_line_is_refused() -> None:
    true = replace(result(5), id=7)
    require(chunk_of([CODECS["jsonl"].encode(true)], [true]))
    for lie in (replace(true, url="http://other.invalid/"), replace(true, id="7"), result(5)):
        chunk = chunk_of([CODECS["jsonl"].encode(lie)], [true])
        with pytest.raises(WireError, match="does not fit its line"):
            require(chunk)


def test_a_line_that_was_not_handed_out_has_no_tag() -> None:
    """Such as one beyond the end of the file."""
    forged = replace(honest(), tags=line_tags.of_lines(b"guess" * 6, 1, MASK, []) + bytes(24))
    with pytest.raises(WireError, match="does not fit its line"):
        require(forged)


@pytest.mark.parametrize(
    ("of", "text"),
    [
        (LineFormat("text"), b"http://\xff\xfe.test/"),
        (LineFormat("text"), "http://ü.test/ä\u2028x\ud7ff".encode()),
        (LineFormat("text"), b"x" * 40_000),
        (LineFormat("text"), b"\x00\x01\x7f\x85"),
        (LineFormat("jsonl"), rb'{"url": "\ud83d\ude00", "id": "\u0000\u2029"}'),
        (LineFormat("jsonl"), rb'{"url": "\ud800 alone", "id": 5}'),
        (LineFormat("jsonl"), rb'{"url": "http://a\nb", "id": -9007199254740993}'),
        (LineFormat("jsonl"), b'{"url": 7}'),
        (LineFormat("jsonl"), b'{"url": "u", "id": {}}'),
        (LineFormat("csv", ",", ("url", "id"), "url"), b'"a,\nb","i"'),
        (LineFormat("csv", ",", ("url", "id"), "url", True), b"\xff,\xfe"),
    ],
)
@pytest.mark.parametrize("form", FORMS)
def test_a_line_of_whatever_bytes_has_a_row_that_is_taken(
    form: RowForm, of: LineFormat, text: bytes
) -> None:
    """Or it would be fetched for ever."""
    task = formats.decoder(of)(5, text)
    fault = task.fault or ErrorKind.URL_OTHER.fault("not a URL")
    made = Result(5, task.url, Outcome.INVALID_URL, error=fault.message, error_kind=fault.kind)
    row = formats.named(made, task)
    chunk = chunk_of([CODECS[form].encode(row)], [row])
    handed_out = line_tags.of_lines(KEY, 1, MASK, [(5, task.url, task.id)])
    require(replace(chunk, tags=handed_out), form)


# -- kinds of errors -------------------------------------------------------------------------


def kind_of_row(outcome: Outcome, kind: str | UnsetType) -> Result:
    return replace(result(5), outcome=outcome, error_kind=kind, body_bytes=None)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outcome", Outcome)
def test_a_row_has_a_kind_of_its_outcome_or_is_refused(outcome: Outcome, form: RowForm) -> None:
    kinds: list[str | UnsetType] = [UNSET, *WORDS, "", "unheard of"]
    for kind in kinds:
        row = kind_of_row(outcome, kind)
        chunk = chunk_of([CODECS[form].encode(row)], [row])
        if kind in KINDS[outcome] or (kind is UNSET and not KINDS[outcome]):
            require(chunk, form)
        else:
            with pytest.raises(WireError, match="error_kind"):
                require(chunk, form)


# -- bodies ----------------------------------------------------------------------------------


def filed(line: int, body: bytes, names: BodyNames = "typed", kind: str = "image/png") -> Result:
    digest = hashlib.sha256(body).hexdigest()
    row = replace(result(line), sha256=digest, content_type=kind, body_bytes=len(body))
    return replace(row, body_file=body_file(names, digest, kind, None))


def test_the_body_of_a_row_is_the_one_that_it_names() -> None:
    rows = [filed(5, b"one"), filed(6, b""), result(7)]
    texts = [CODECS["jsonl"].encode(row) for row in rows]
    proof = RowChecker(Output(bodies="files", body_names="typed"), KEY)
    assert proof.require(chunk_of(texts, rows, [b"one", b"", b""], [6])) == [
        rows[0].body_file,
        rows[1].body_file,
        "",
    ]
    for kept, empty in (
        ([b"two", b"", b""], [6]),  # another body
        ([b"", b"", b""], [6]),  # none
        ([b"one", b"", b""], []),  # an empty one that is not declared
        ([b"one", b"", b"x"], [6]),  # one of a row without
        ([b"one", b"", b""], [6, 7]),
    ):
        with pytest.raises(WireError, match="another body"):
            proof.require(chunk_of(texts, rows, kept, empty))
    good = str(rows[0].body_file)
    for name in (
        "../../../etc/passwd",
        f"/{good}",
        f"../{good}",
        good.removesuffix(".png"),
        good.removeprefix("bodies/"),
        good.replace(".png", "./../../x"),
        good.replace(".png", ".PNG"),
        good.replace(".png", ".p g"),
        good + "\n",
        good + "/",
        good.upper(),
        str(filed(5, b"one", "sha256").body_file),
    ):
        moved = [replace(rows[0], body_file=name)]
        with pytest.raises(WireError, match="another body"):
            proof.require(chunk_of([CODECS["jsonl"].encode(moved[0])], moved, [b"one"]))


def test_a_job_of_an_older_version_has_names_without_an_extension() -> None:
    proof = RowChecker(Output(bodies="files"), KEY)
    row = filed(5, b"one", "sha256")
    assert proof.require(chunk_of([CODECS["jsonl"].encode(row)], [row], [b"one"])) == [
        f"bodies/{row.body_file}"
    ]
    typed = filed(5, b"one")
    with pytest.raises(WireError, match="another body"):
        proof.require(chunk_of([CODECS["jsonl"].encode(typed)], [typed], [b"one"]))


def test_a_cut_body_is_as_long_as_its_row_says_and_named_by_what_came() -> None:
    cut = replace(filed(5, b"part"), sha256=None, truncated=True)
    proof = RowChecker(Output(bodies="files", body_names="typed"), KEY)
    proof.require(chunk_of([CODECS["jsonl"].encode(cut)], [cut], [b"part"]))
    for wrong in (
        replace(cut, truncated=UNSET),
        replace(cut, body_bytes=5),
        replace(cut, body_file=filed(5, b"other").body_file),
    ):
        with pytest.raises(WireError, match="another body"):
            proof.require(chunk_of([CODECS["jsonl"].encode(wrong)], [wrong], [b"part"]))


def test_a_row_with_an_archived_answer_comes_with_its_records() -> None:
    proof = RowChecker(Output(bodies="warc"), KEY)
    rows = [replace(result(5), warc_id="<urn:uuid:1>"), result(6)]
    texts = [CODECS["jsonl"].encode(row) for row in rows]
    proof.require(chunk_of(texts, rows, [b"record", b""]))
    for kept in ([b"", b""], [b"record", b"record"]):
        with pytest.raises(WireError, match="another body"):
            proof.require(chunk_of(texts, rows, kept))


@pytest.mark.parametrize("key", ["body_file", "warc_id"])
def test_a_job_without_bodies_has_no_rows_with_some(key: str) -> None:
    row = replace(result(5), **{key: "x"})
    with pytest.raises(WireError, match="the job keeps none"):
        require(chunk_of([CODECS["jsonl"].encode(row)], [row]))


# -- a crawl ---------------------------------------------------------------------------------


def crawled(**changes: object) -> Chunk:
    """An honest chunk of two lines of a crawl, with these changes of the chunk."""
    found = {5: Found(2, 3, "a", 1), 6: Found(0)}
    results = [formats.named(result(line), Task(line, "", found=found[line])) for line in found]
    rows = [CODECS["jsonl"].encode(each) for each in results]
    named = [line_tags.named(r.line, r.url, None, found[r.line]) for r in results]
    tags = line_tags.of_lines(KEY, 1, MASK, named)
    chunk = replace(chunk_of(rows, results), tags=tags, depths=[2, 0], hops=[1, 0])
    return replace(chunk, **changes)


def test_a_chunk_of_a_crawl_is_taken() -> None:
    require(crawled())


@pytest.mark.parametrize(
    "changes",
    [
        {"depths": [1, 0]},
        {"depths": []},
        {"hops": [0, 0]},
        {"hops": []},
        {"rows": crawled().rows.replace(b'"from":3', b'"from":4')},
        {"rows": crawled().rows.replace(b'"via":"a"', b'"via":"b"')},
    ],
)
def test_how_a_line_was_found_cannot_be_changed(changes: dict[str, object]) -> None:
    with pytest.raises(WireError):
        require(crawled(**changes))
