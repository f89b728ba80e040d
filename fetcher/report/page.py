"""The report as one HTML file that loads nothing from the network.

URLs, errors and headers are shown as text: the template escapes everything, and the page's
Content-Security-Policy runs only the scripts whose hashes it names.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
from functools import cache
from importlib import resources
from typing import Any, Final

import jinja2
import msgspec
from markupsafe import Markup

from fetcher import __version__, humanize
from fetcher.report.contents import Contents

_FILES: Final = resources.files("fetcher.report") / "page"
_UPLOT: Final = resources.files("fetcher.vendor") / "uplot"


def page(report: Contents) -> str:
    """The whole file."""
    plots = {
        "time": report.times.plot,
        "latency": report.latency.plot,
        "size_plot": report.bodies.plot,
    }
    scripts = [_vendored_script(), _text("page.js")]
    styles = [_vendored("uPlot.min.css"), _common(), _text("page.css")]
    return _template().render(
        report=report,
        version=__version__,
        # Unchanged: a browser hashes the very bytes that stand between the tags.
        scripts=[Markup(text) for text in scripts],
        styles=[Markup(text) for text in styles],
        policy=_policy(scripts, styles),
        data=msgspec.to_builtins(plots),
    )


def _policy(scripts: list[str], styles: list[str]) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(map(_hash, scripts)),
            "style-src " + " ".join(map(_hash, styles)),
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@cache
def _text(name: str) -> str:
    return _FILES.joinpath(name).read_text("utf-8")


@cache
def _common() -> str:
    return resources.files("fetcher.watch").joinpath("common.css").read_text("utf-8")


@cache
def _vendored(name: str) -> str:
    return _UPLOT.joinpath(name).read_text("utf-8")


@cache
def _vendored_script() -> str:
    # The licence must be part of every copy.
    licence = _vendored("LICENSE").replace("*/", "* /")
    return f"/*\n{licence}*/\n{_vendored('uPlot.iife.min.js')}"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_text),
    )
    environment.filters.update(_FILTERS)
    return environment.get_template("page.html.j2")


def _time(at_s: float) -> str:
    """2026-01-31 12:00:00"""
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _iso_time(text: str) -> str:
    """The same for an ISO 8601 time with a zone; other text stays as it is."""
    try:
        return _time(datetime.datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return text


def _optional(show: Any) -> Any:
    return lambda value: humanize.NOT_MEASURED if value is None else show(value)


_FILTERS: Final = {
    "number": _optional(humanize.number),
    "size": _optional(lambda value: humanize.size(round(value))),
    "duration": _optional(humanize.duration),
    "seconds": _optional(humanize.seconds),
    "ms": _optional(humanize.milliseconds),
    "percent": _optional(humanize.percent),
    "rate": _optional(humanize.rate),
    "time": _optional(_time),
    "iso_time": _iso_time,
}
