"""The tables of profiles and of tries on docs/benchmarks.md, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tools.bench.figures import Rows

Markdown = Callable[[Sequence[str], Iterable[Sequence[str]]], str]


def parts(rows: Rows, markdown: Markdown) -> str:
    """Thousands of instructions for a URL, by library."""
    return markdown(
        ("library", "worker", "bare pycurl"),
        (
            (name, f"{row['worker_ki'].median:,.0f}", f"{row['pycurl_ki'].median:,.0f}")
            for name, row in rows.items()
        ),
    )


def c_functions(rows: Rows, markdown: Markdown) -> str:
    """The C functions with the most instructions."""
    return markdown(
        ("C function, library", "worker", "share", "bare pycurl"),
        (
            (
                f"`{name.partition(', ')[0]}`, {name.partition(', ')[2]}",
                f"{row['worker_ki'].median:,.1f}",
                f"{100 * row['share'].median:.1f} %",
                f"{row['pycurl_ki'].median:,.1f}",
            )
            for name, row in rows.items()
        ),
    )


def python_functions(rows: Rows, markdown: Markdown) -> str:
    """The Python functions with the most samples."""
    return markdown(
        ("Python function", "share"),
        ((f"`{name}`", f"{100 * row['share'].median:.1f} %") for name, row in rows.items()),
    )


def tried(rows: Rows, markdown: Markdown) -> str:
    """Changes that were tried, in thousands of instructions for a URL."""
    return markdown(
        ("change", "before", "after", ""),
        (
            (
                name,
                f"{(before := row['before_ki'].median):,.0f}",
                f"{(after := row['after_ki'].median):,.0f}",
                f"{100 * (after / before - 1):+.1f} %",
            )
            for name, row in rows.items()
        ),
    )
