"""Tables of URLs become tables of results: a row for each row, one schema, and nothing is left."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow
import pytest

from fetcher.errors import ConfigError, InputError, UsageError
from fetcher.frames import fetch_batches, fetch_frame, frame_schema
from support import jobs
from tools.site.running import RunningSite

GIVEN: dict[str, Any] = {"worker": {"transport": jobs.SLOW}}
GUARD: dict[str, Any] = {"guard": {"allow": ["127.0.0.0/8"]}, "polite": {"enabled": False}}
pytestmark = pytest.mark.usefixtures("temporary")  # no child and no file may be left

URL = "http://test.invalid/{}?ms=1"


def table(urls: list[str | None], **more: list[Any]) -> pyarrow.Table:
    return pyarrow.table({"url": pyarrow.array(urls, pyarrow.string()), **more})


def test_each_row_has_its_result_and_keeps_its_columns(site: RunningSite) -> None:
    page, other = site.url("/page/1"), site.url("/status/200")
    urls = [page, None, "", "no url", page, other]
    found = fetch_frame(table(urls, number=list(range(6))), **GUARD)
    rows = sorted(found.to_pylist(), key=lambda row: row["number"])
    assert [row["url"] for row in rows] == urls
    assert [row["outcome"] for row in rows] == ["ok", *["invalid_url"] * 3, "ok", "ok"]
    assert [row["status"] for row in rows] == [200, None, None, None, 200, 200]


def test_more_rows_than_a_batch_has_in_two_calls_at_once() -> None:
    asked = table([URL.format(n) for n in range(5000)], number=list(range(5000)))
    results: list[pyarrow.Table] = []

    def call() -> None:
        results.append(
            fetch_frame(asked, columns="status", worker={"transport": "null"}, prefix="got_")
        )

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert result.column_names == ["url", "number", "got_status"]
        assert Counter(result["number"].to_pylist()) == Counter(range(5000))
        pairs = zip(result["number"].to_pylist(), result["url"].to_pylist(), strict=True)
        assert all(url == URL.format(number) for number, url in pairs)
    assert len(results) == 2


@pytest.mark.parametrize("bodies", ["none", "inline"])
def test_the_schema_is_known_before_and_is_that_of_an_empty_table(bodies: str) -> None:
    given: dict[str, Any] = {**GIVEN, "output": {"bodies": bodies}, "prefix": "got_"}
    asked = table([URL.format(1)], status=["mine"])
    schema = frame_schema(asked.schema, **given)
    assert fetch_frame(asked.slice(0, 0), **given).schema == schema
    assert fetch_frame(asked, **given).schema == schema
    assert ("got_body" in schema.names) is (bodies == "inline")


def test_batches_become_batches() -> None:
    batches = table([URL.format(n) for n in range(30)]).to_batches(max_chunksize=10)
    found = pyarrow.Table.from_batches(fetch_batches(columns="outcome", **GIVEN)(batches))
    assert found.num_rows == 30
    assert set(found["outcome"].to_pylist()) == {"ok"}


@pytest.mark.parametrize(
    ("urls", "kind"),
    [
        ([URL.format(1)], pyarrow.large_string()),
        ([URL.format(1)], pyarrow.dictionary(pyarrow.int32(), pyarrow.string())),
        ([None], pyarrow.null()),
    ],
)
def test_texts_of_any_kind_are_urls(urls: list[str | None], kind: pyarrow.DataType) -> None:
    asked = pyarrow.table({"at": pyarrow.array(urls, kind)})
    (row,) = fetch_frame(asked, "at", columns="outcome", **GIVEN).to_pylist()
    assert row == {"at": urls[0], "outcome": "ok"}


def test_what_is_wrong_is_said_before_anything_starts() -> None:
    asked = table([URL.format(1)], status=[1])
    calls: list[tuple[str, Callable[[], object]]] = [
        (r"no column 'link'; it has url, status", lambda: fetch_frame(asked, "link", prefix="a_")),
        (r"'status' holds int64, not texts", lambda: fetch_frame(asked, "status", prefix="a_")),
        (r"int is not a table", lambda: fetch_frame(3)),
    ]
    for error, call in calls:
        with pytest.raises(InputError, match=error):
            call()
    with pytest.raises(UsageError, match=r"both have a column 'status': give prefix='fetch_'"):
        fetch_frame(asked)
    with pytest.raises(UsageError, match=r"^columns: there is no column 'stat'"):
        fetch_frame(asked, columns="stat")
    with pytest.raises(ConfigError, match=r"unknown setting http\.timeout"):
        fetch_frame(asked, prefix="a_", http={"timeout": 3})
