"""Writes docs/benchmarks.md, and figures of other pages, from the JSON in tools/bench/results.

The prose is in tools/bench/benchmarks.md.jinja; figures and tables come from the files. With
--check nothing is written. Exit codes: 1, a page differs or a figure is missing; 2, a file cannot
be read.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import jinja2

from tools.bench import figures
from tools.bench.cases import CASES
from tools.bench.figures import Results
from tools.bench.page import MissingFigureError, Page
from tools.bench.processes import ROOT

_FOLDER: Final = Path(__file__).parent
_BENCHMARKS: Final = "docs/benchmarks.md"
_BLOCKS: Final = {"README.md": "readme.md.jinja", "docs/engines.md": "engines.md.jinja"}
_BLOCK: Final = re.compile(r"(<!-- figures -->\n).*?(\n<!-- end of figures -->)", re.S)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="only say whether pages differ")


def run(options: argparse.Namespace) -> int:
    """Write the pages; the exit code."""
    try:
        texts = pages(figures.load_all())
    except (MissingFigureError, KeyError) as missing:  # of a table; of a row of a table
        print(f"no page was written, as a figure is missing: {missing}", file=sys.stderr)
        return 1
    code = 0
    for name, text in texts.items():
        path = ROOT / name
        if path.read_text("utf-8") == text:
            continue
        if options.check:
            print(
                f"{name} differs from the figures: run `python -m tools.bench docs`",
                file=sys.stderr,
            )
            code = 1
        else:
            path.write_text(text, "utf-8")
            print(f"wrote {name}")
    return code


def pages(results: Mapping[str, Results]) -> dict[str, str]:
    """The texts that the figures give, by the file's name. Raises MissingFigureError."""
    blocks = {name: _with_block(name, template, results) for name, template in _BLOCKS.items()}
    return {_BENCHMARKS: render("benchmarks.md.jinja", results), **blocks}


def _with_block(name: str, template: str, results: Mapping[str, Results]) -> str:
    """The page as it is, with new figures between its two marks."""
    block = render(template, results).rstrip("\n")
    text = (ROOT / name).read_text("utf-8")
    return _BLOCK.sub(lambda match: match[1] + block + match[2], text)


def render(template: str, results: Mapping[str, Results]) -> str:
    """A template of this folder with its figures in."""
    return render_text((_FOLDER / template).read_text("utf-8"), results)


def render_text(text: str, results: Mapping[str, Results]) -> str:
    """A template's text with its figures in. Raises MissingFigureError."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    return environment.from_string(text).render(page=Page(results), cases=CASES)
