"""Settings that contradict how a job was begun, and their messages."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from fetcher.errors import ConflictError
from fetcher.input.formats import TEXT, LineFormat
from fetcher.protocol.output_spec import PLAIN, Output
from fetcher.settings import load
from fetcher.settings.schema import Settings
from fetcher.store.begun import FixedSettings, require_as_begun, require_same
from support import outs

CSV = LineFormat("csv", ",", ("link", "a"), "link")


def given(**settings: object) -> load.Loaded:
    """Settings by section__key, each from an option of its name."""
    keys = {name.replace("__", "."): value for name, value in settings.items()}
    return load.load(None, {}, arguments={key: (value, f"--{key}") for key, value in keys.items()})


def said(begun: FixedSettings, **settings: object) -> str:
    """What is wrong with these settings; "" where nothing is."""
    loaded = given(**settings)
    try:
        require_same("out was begun with", begun, loaded.settings, loaded.origins)
    except ConflictError as error:
        return str(error)
    return ""


def test_no_default_contradicts_a_job() -> None:
    other = Output("msgpack", "zstd", "warc", warc_dedupe=True)
    for begun in (
        FixedSettings(7, other, CSV),
        FixedSettings(7, other, LineFormat("jsonl")),
        FixedSettings(7, other),
    ):
        assert said(begun) == ""


@pytest.mark.parametrize("name", Settings().output.__struct_fields__)
def test_each_setting_of_output_is_compared_with_the_jobs(name: str) -> None:
    other = Output("msgpack", "zstd", "warc", warc_dedupe=True)
    value, plain = getattr(other, name), getattr(PLAIN, name)
    assert said(FixedSettings(200, other, TEXT), **{f"output__{name}": value}) == ""
    assert said(FixedSettings(200, PLAIN, TEXT), **{f"output__{name}": plain}) == ""
    text, plain_text = load.toml(value), load.toml(plain)
    assert said(FixedSettings(200, other, TEXT), **{f"output__{name}": plain}) == (
        f"out was begun with output.{name} = {text}, not {plain_text} (--output.{name}); "
        "leave this setting out, or choose another OUT"
    )


def test_all_of_output_is_a_setting_and_the_other_way_round() -> None:
    decided = set(Output.__struct_fields__) - {"body_names"}  # goes by the version alone
    assert decided == set(Settings().output.__struct_fields__)


@pytest.mark.parametrize(
    ("of", "settings", "refused"),
    [
        (TEXT, {"input__format": "text"}, ""),
        (TEXT, {"input__format": "auto"}, ""),
        (TEXT, {"input__format": "csv"}, 'input.format = "text", not "csv"'),
        (TEXT, {"input__url_column": "x"}, ""),  # a text has no columns, now as then
        (CSV, {"input__url_column": "link", "input__keep_columns": False}, ""),
        (CSV, {"input__url_column": "a"}, 'input.url_column = "link", not "a"'),
        (CSV, {"input__keep_columns": True}, "input.keep_columns = false, not true"),
        (None, {"input__format": "csv"}, ""),
    ],
)
def test_settings_of_the_input_are_compared_as_far_as_they_apply(
    of: LineFormat | None, settings: dict[str, object], refused: str
) -> None:
    found = said(FixedSettings(200, PLAIN, of), **settings)
    assert found == "" if not refused else f"with {refused} (--input." in found


def test_all_contradictions_are_named_at_once() -> None:
    assert said(FixedSettings(20, PLAIN, TEXT), job__batch_size=50, output__bodies="warc") == (
        "out was begun with job.batch_size = 20, not 50 (--job.batch_size); "
        'output.bodies = "none", not "warc" (--output.bodies); '
        "leave these settings out, or choose another OUT"
    )


def test_an_out_is_judged_where_it_was_begun_with_the_same_file(tmp_path: Path) -> None:
    urls, other = outs.write_input(tmp_path / "urls.txt", 9), outs.write_input(tmp_path / "b", 8)
    out = tmp_path / "out"
    wrong = given(job__batch_size=outs.BATCH + 1)
    require_as_begun(out, urls, wrong)
    outs.make_out(out, urls, [outs.row(1)])
    with pytest.raises(ConflictError, match=rf"^{re.escape(str(out))} was begun with job\.batch"):
        require_as_begun(out, urls, wrong)
    require_as_begun(out, urls, given(job__batch_size=outs.BATCH))
    require_as_begun(out, other, wrong)
    require_as_begun(out, tmp_path / "gone", wrong)


def test_a_message_holds_each_value_as_toml_takes_it() -> None:
    fields = msgspec.structs.asdict(Output(warc_dedupe=True))
    assert fields["warc_dedupe"] is True
    assert "= true, not false (" in said(
        FixedSettings(200, Output(warc_dedupe=True)), output__warc_dedupe=False
    )
