"""The input of a job, and its terms as its sinks began it."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from fetcher.errors import ConflictError, InputError
from fetcher.frontier.rules import CrawlRules
from fetcher.input import log_lines
from fetcher.input.formats import LOG, TEXT
from fetcher.input.log_lines import LogLine
from fetcher.input.source_info import SourceInfo
from fetcher.protocol import line_tags, messages
from fetcher.protocol.output_spec import Output
from fetcher.protocol.shard import WHOLE, Share
from fetcher.roles.spec import RoleSpec
from fetcher.roles.ventilator.job_input import JobInput
from fetcher.settings.schema import Http, Job, Settings
from fetcher.settings.schema import Output as OutputSettings
from support.answers import opened
from support.outs import write_input

SETTINGS = replace(Settings(), job=Job(batch_size=2))


def spec_of(urlfile: Path, settings: Settings = SETTINGS, **said: object) -> RoleSpec:
    spec = RoleSpec(
        role="ventilator",
        name="ventilator",
        settings=settings,
        ventilator="",
        sinks=("",),
        urlfile=str(urlfile),
    )
    return replace(spec, **said)


def input_of(urlfile: Path, settings: Settings = SETTINGS, **said: object) -> JobInput:
    return JobInput(spec_of(urlfile, settings, **said), settings)


@pytest.fixture
def urls(tmp_path: Path) -> Path:
    return write_input(tmp_path / "urls.txt", 5)


def answer(of: JobInput, **said: object) -> messages.Opened:
    return opened(**{"batch_size": 2, "source": of.info, "output": of.output, **said})


def test_a_small_file_is_counted_before_the_job_begins(urls: Path) -> None:
    found = input_of(urls)
    assert found.is_counted
    assert (found.info.url_lines, found.info.at_end, found.format) == (5, True, TEXT)
    assert [batch.mask for batch in found.batches()] == [3, 3, 1]
    found.require_read(5)


def test_a_file_that_changed_while_it_was_read_stops_the_job(urls: Path) -> None:
    with pytest.raises(InputError, match=rf"^{urls}: changed while it was read; restore it"):
        input_of(urls).require_read(4)


def test_a_large_file_is_counted_while_the_job_runs(
    urls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fetcher.roles.ventilator.job_input._COUNT_FIRST_BYTES", 1)
    monkeypatch.setattr("fetcher.input.source._HASH_BYTES", 40)
    found = input_of(urls)
    assert not found.is_counted
    for _ in range(100):
        if found.is_counted:
            break
        found.count_more()
    assert (found.is_counted, found.info.url_lines) == (True, 5)


def test_a_file_without_urls_is_refused(tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text("# nothing\n")
    with pytest.raises(InputError, match=r"urls\.txt"):
        input_of(tmp_path / "urls.txt")


def test_the_offer_has_the_terms_of_the_settings_and_no_secret(urls: Path) -> None:
    settings = replace(SETTINGS, http=Http(proxy="http://me:hunter2@p:1"))
    found = input_of(urls, settings, input_name="my list")
    offer = found.offer("session", "job", Share(1, 2))
    assert (offer.session, offer.job, offer.share) == ("session", "job", Share(1, 2))
    assert (offer.batch_size, offer.output) == (2, found.output)
    assert (offer.input.name, offer.input.path) == ("my list", str(urls))
    assert (offer.input.file_bytes, offer.input.source) == (urls.stat().st_size, found.info)
    assert (offer.input.selection, offer.input.crawl) == (UNSET, UNSET)
    assert "hunter2" not in repr(offer)
    assert input_of(urls).offer("s", "", WHOLE).input.name == "urls.txt"


@pytest.mark.parametrize(
    ("bodies", "names"), [("none", "sha256"), ("files", "typed"), ("warc", "sha256")]
)
def test_new_jobs_name_their_body_files_by_type(urls: Path, bodies: str, names: str) -> None:
    settings = replace(SETTINGS, output=OutputSettings(bodies=bodies))  # type: ignore[arg-type]
    assert input_of(urls, settings).output.body_names == names


def test_a_crawl_has_the_lines_of_its_log_and_the_file_its_seeds(urls: Path) -> None:
    found = input_of(urls, crawl=CrawlRules(depth=3))
    assert found.format == LOG
    assert found.offer("s", "", WHOLE).input.crawl == CrawlRules(depth=3)
    page = found.seeds(0)
    assert (len(page.texts), page.at_end) == (5, True)
    assert found.task_of(1, page.texts[0]).url == "http://test.invalid/1"


def test_the_terms_on_which_the_job_was_begun_are_adopted(urls: Path) -> None:
    found = input_of(urls)
    begun = Output(bodies="files", body_names="sha256")
    found.adopt(answer(found, batch_size=4, output=begun))
    assert found.output == begun
    assert [batch.mask for batch in found.batches()] == [15, 1]
    assert found.offer("s", "", WHOLE).batch_size == 4


def test_a_given_setting_that_contradicts_the_job_is_refused(urls: Path) -> None:
    found = input_of(urls, given={"job.batch_size": "--batch-size"})
    with pytest.raises(ConflictError, match=r"the sink's OUT was begun with job\.batch_size = 4"):
        found.adopt(answer(found, batch_size=4))


def test_another_content_than_the_job_was_begun_with_is_refused(urls: Path) -> None:
    found = input_of(urls)
    other = SourceInfo(found.info.checked_bytes, "0" * 64, 5, True, 1.0)
    with pytest.raises(ConflictError):
        found.adopt(answer(found, source=other))


def test_the_counts_of_the_sink_are_used_if_they_are_whole(
    urls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = input_of(urls).info
    monkeypatch.setattr("fetcher.roles.ventilator.job_input._COUNT_FIRST_BYTES", 1)
    monkeypatch.setattr("fetcher.input.source._HASH_BYTES", 40)
    found = input_of(urls)
    found.adopt(answer(found, source=whole))
    assert (found.info, found.is_counted) == (whole, True)


def test_columns_are_kept_as_when_the_job_was_begun(tmp_path: Path) -> None:
    (tmp_path / "urls.csv").write_text("url,note\nhttp://a.test/,x\n")
    found = input_of(tmp_path / "urls.csv")
    line = b"http://a.test/,x"
    assert found.task_of(2, line).columns == {"note": "x"}
    found.adopt(answer(found, keep_columns=False))
    assert not found.format.keep_columns
    assert not found.task_of(2, line).columns
    given = input_of(tmp_path / "urls.csv", given={"input.keep_columns": "my.toml"})
    with pytest.raises(ConflictError, match=r"input\.keep_columns = false \(my\.toml says other"):
        given.adopt(answer(given, keep_columns=False))


def test_the_tag_of_a_crawls_line_covers_how_it_was_found(urls: Path) -> None:
    crawl = input_of(urls, crawl=CrawlRules())
    line = log_lines.encode(LogLine("http://a.test/", 3, 2, "redirect", 1, id="x"))
    expected = line_tags.named(9, "http://a.test/", "x", (2, 3, "redirect", 1))
    assert crawl.named(9, line) == expected


@pytest.mark.parametrize(
    "raw",
    [
        log_lines.encode(LogLine("http://a.test/", 3, 2, "a", 1, id=7, priority=5)),
        log_lines.encode(LogLine("no URL")),
        log_lines.encode(LogLine("u", method="A B")),  # a request that cannot be sent
        log_lines.encode(LogLine("u", 4, 1, "handler", headers=(("Host", "b"),), id="x")),
        b"",
        b"no object \xff",
        b'{"url": 1}',
        b"[" * 10_000,
    ],
)
def test_the_tag_of_a_line_covers_what_its_row_will_say(urls: Path, raw: bytes) -> None:
    for found in (input_of(urls), input_of(urls, crawl=CrawlRules())):
        task = found.task_of(9, raw)  # of which its worker, or `crash_chunk`, makes the row
        assert found.named(9, raw) == line_tags.named(9, task.url, task.id, task.found)
