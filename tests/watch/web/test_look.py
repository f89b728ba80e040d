"""What the page shows of a look at a job, in a real browser: shares, order, warnings, its end."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

import msgspec
import pytest
from msgspec import UNSET, UnsetType

from fetcher.cli.options import command_line
from fetcher.model import OUTCOMES
from fetcher.protocol import messages
from fetcher.protocol.totals import Totals
from fetcher.settings.schema import Monitor
from fetcher.watch import job_view
from fetcher.watch.web.control_mailbox import ControlMailbox
from fetcher.watch.web.serving import serving
from support.messages import EXAMPLES
from support.waiting import wait_until
from tools.ports import free_ports

LONG_URL = "http://shop.test/" + "article/" * 20
COMMAND = "fetcher run urls.txt -o out --set=polite.delay_s=0.5"


def put_look(
    mailbox: ControlMailbox,
    *,
    redelivered: int = 3,
    most_in_flight: int = 3,
    routes: list[messages.RouteLoad] | UnsetType = UNSET,
    **changes: Any,
) -> None:
    """1,000 lines, of which 900 had an answer."""
    state, roster = EXAMPLES["state"][0], EXAMPLES["roster"][0]
    assert isinstance(state, messages.State)
    assert isinstance(roster, messages.Roster)
    totals = Totals(
        1_000,
        {"timeout": 100, "handler": 1, "ok": 639, "http_error": 260},
        {0: 100, 404: 260, 200: 630, 302: 10},
    )
    state = msgspec.structs.replace(
        state, totals=totals, redelivered=redelivered, copied=0, **changes
    )
    failed_line = messages.FailedLine(7, "timeout", 0, LONG_URL, "took longer than 60 s")
    roster = msgspec.structs.replace(
        roster,
        workers=[messages.Member("w", 0.25, 4, 2, 17, 2_345, 2, 9, 2.5, lag_ms=100)],
        trouble="",
        routes=routes,
        samples=messages.Samples(roster.samples.hosts, [failed_line]),
    )
    mailbox.put(state, roster, most_in_flight)


@contextlib.contextmanager
def page() -> Iterator[tuple[str, ControlMailbox]]:
    port = free_ports(1)
    settings = Monitor(http=port)
    with serving(settings, "urls.txt", is_paused=False, command=COMMAND) as mailbox:
        yield f"http://127.0.0.1:{port}/", mailbox


@contextlib.contextmanager
def tab(browser: Any, url: str, said: list[str], **options: Any) -> Iterator[Any]:
    with browser.new_context(**options) as context:
        shown = context.new_page()
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.on("console", lambda message: said.append(message.text))
        shown.goto(url)
        shown.wait_for_selector("#outcomes tbody tr:nth-child(2)")
        yield shown


def cells(shown: Any, table: str) -> list[list[str]]:
    """A table's body, with the width of a bar in its place."""
    found: list[list[str]] = shown.evaluate(
        """(id) => [...document.querySelectorAll(`#${id} tbody tr`)].map((row) =>
            [...row.cells].map((cell) => cell.querySelector(".bar > div")?.style.width ??
                                         cell.textContent))""",
        table,
    )
    return found


def style(shown: Any, selector: str, name: str) -> str:
    found: str = shown.evaluate(
        "([of, name]) => getComputedStyle(document.querySelector(of))[name]", [selector, name]
    )
    return found


def test_a_job_is_shown_in_shares_in_one_order_and_with_what_weighs_most(browser: Any) -> None:
    said: list[str] = []
    with page() as (url, mailbox):
        put_look(mailbox)
        with tab(browser, url, said, viewport={"width": 1280, "height": 800}) as shown:
            assert cells(shown, "outcomes") == [
                ["ok", "639", "63.9 %", "63.9%"],
                ["http_error", "260", "26.0 %", "26%"],
                ["timeout", "100", "10.0 %", "10%"],
                ["handler", "1", "0.1 %", "0.1%"],
            ]
            assert cells(shown, "statuses") == [
                ["200", "630", "70.0 %", "70%"],
                ["302", "10", "1.1 %", "1.11111%"],
                ["404", "260", "28.9 %", "28.8889%"],
            ]
            words = shown.inner_text("main")
            assert "Shares of the 1,000 lines that are done." in words
            assert "Shares of the 900 lines that had an answer." in words
            assert cells(shown, "workers")[0][4:6] == ["17", "2,345"], "queued and parked"
            assert cells(shown, "workers")[0][7] == "0.10 s"
            assert shown.locator("#workers td.warns").count() == 1, "its loop is held up"
            assert style(shown, "#redelivered", "color") == style(shown, "#leases", "color")
            size, weight = "fontSize", "fontWeight"
            assert style(shown, ".url", size) > style(shown, ".said", size)
            assert int(style(shown, ".url", weight)) > int(style(shown, ".said", weight))
            put_look(mailbox, redelivered=21)
            shown.wait_for_selector("#redelivered.warns")
            assert style(shown, "#redelivered", "color") != style(shown, "#leases", "color")
            assert shown.locator("thead th:not([scope=col])").count() == 0
    assert said == []


def test_while_a_ventilator_starts_nobody_is_told_how_many_lines_are_done(browser: Any) -> None:
    said: list[str] = []
    with page() as (url, mailbox):
        put_look(mailbox, phase="starting")
        with tab(browser, url, said) as shown:
            assert shown.inner_text("#done") == "what is done is not known yet"
            assert "%" not in shown.inner_text("#percent")
            put_look(mailbox, phase="running")
            shown.wait_for_selector("#done:has-text('1,000 of')")
    assert said == []


def test_on_a_phone_a_table_that_goes_on_shows_it_and_is_reached_by_keys(browser: Any) -> None:
    said: list[str] = []
    with page() as (url, mailbox):
        put_look(mailbox)
        options = {"viewport": {"width": 390, "height": 800}, "reduced_motion": "reduce"}
        with tab(browser, url, said, **options) as shown:
            goes_on = "(of) => of.scrollWidth > of.clientWidth && of.tabIndex === 0"
            assert shown.eval_on_selector(".scroll:has(#workers)", goes_on)
            assert "linear-gradient" in style(shown, ".scroll", "backgroundImage")
            assert shown.evaluate("document.documentElement.scrollWidth") <= 390
            assert shown.eval_on_selector("#stop", "(of) => of.offsetHeight") >= 44
            assert style(shown, "#fill", "transitionDuration") in ("0s", ""), "no motion"
            shown.keyboard.press("Tab")
            assert shown.evaluate("document.activeElement.id") == "pause"
            assert style(shown, "#pause", "outlineStyle") == "solid"
    assert said == []


def test_the_axis_of_what_is_in_flight_has_whole_numbers(browser: Any) -> None:
    said: list[str] = []
    with page() as (url, mailbox):
        put_look(mailbox, most_in_flight=2)
        shown = browser.new_page()
        shown.add_init_script(
            """window.drawn = [];
            const fillText = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
                if (this.canvas.closest("#plot_in_flight")) window.drawn.push(text);
                fillText.call(this, text, ...more);
            };"""
        )
        shown.on("pageerror", lambda error: said.append(str(error)))
        shown.goto(url)

        def is_drawn() -> bool:
            put_look(mailbox, most_in_flight=2)
            return {"0", "1", "2"} <= set(shown.evaluate("drawn"))

        wait_until(is_drawn, 60, "an axis")
        numbers = [each for each in shown.evaluate("drawn") if ":" not in each]
    assert all(re.fullmatch(r"\d+", each) for each in numbers), numbers
    assert said == []


def test_after_a_stop_there_is_nothing_to_press_and_the_command_that_resumes(browser: Any) -> None:
    said: list[str] = []
    with contextlib.ExitStack() as stack:
        with page() as (url, mailbox):
            put_look(mailbox)
            shown = stack.enter_context(tab(browser, url, said))
            shown.click("#stop")
            shown.click("#yes")
            wait_until(lambda: mailbox.shall_stop, what="the wish")
            assert shown.is_visible("#controls")
        shown.wait_for_selector("#command", timeout=60_000)
        assert shown.inner_text("#command") == COMMAND
        assert not shown.is_visible("#controls")
        assert shown.inner_text("#phase") == "stopped"
        assert not re.search(r"\d", shown.inner_text("#parked"))


def test_a_job_that_ended_elsewhere_leaves_its_command_too(browser: Any) -> None:
    with contextlib.ExitStack() as stack:
        with page() as (url, mailbox):
            put_look(mailbox)
            shown = stack.enter_context(tab(browser, url, []))
        shown.wait_for_selector("#command", timeout=60_000)
        assert shown.inner_text("#command") == COMMAND
        assert shown.inner_text("#phase") == "no answer"
        assert shown.is_disabled("#stop")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["run", "a b.txt", "-o", "out"], "fetcher run 'a b.txt' -o out"),
        (["--set", "monitor.token=abc", "-q"], "fetcher --set 'monitor.token=…' -q"),
        (["--set=http.proxy=http://u:p@h"], "fetcher '--set=http.proxy=…'"),
        (["--set", " http.headers =A: b"], "fetcher --set ' http.headers =…'"),
        (["--set=job.batch_size=5", "=", "--set="], "fetcher --set=job.batch_size=5 = --set="),
    ],
)
def test_the_command_is_as_it_was_typed_but_for_secrets(arguments: list[str], shown: str) -> None:
    assert command_line(arguments) == shown


@pytest.mark.parametrize(
    ("redelivered", "rows", "many"),
    [(20, 0, False), (21, 100, True), (100, 10_000, False), (101, 10_000, True)],
)
def test_many_lines_handed_out_again_are_more_than_the_end_of_a_job_has(
    redelivered: int, rows: int, many: bool
) -> None:
    assert job_view.are_many_redelivered(redelivered, rows) is many


# -- colours ---------------------------------------------------------------------------------------

CSS = resources.files("fetcher.watch").joinpath("common.css").read_text("utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in CSS.split("@media")
)


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it: 1 to 21."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_colours_contrast_with_their_background(colours: dict[str, str]) -> None:
    for text in ("ink", "soft", "accent", "good", "warn", "bad"):
        for ground in ("card", "page"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    assert contrast(colours["ink"], colours["notice"]) >= 4.5
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
    assert contrast(colours["on-accent"], colours["bad"]) >= 4.5
    drawn = [name for name in colours if name in set(OUTCOMES) or name.startswith("p-")]
    assert len(drawn) == len(OUTCOMES) + 6, "each outcome and each phase has its colour"
    for name in drawn:
        assert contrast(colours[name], colours["card"]) >= 3, name


def test_routes_are_shown_where_a_job_has_them_and_one_without_workers_warns(browser: Any) -> None:
    said: list[str] = []
    with page() as (url, mailbox):
        put_look(mailbox)
        with tab(browser, url, said) as shown:
            assert shown.evaluate("document.getElementById('routes_section').hidden")
            put_look(
                mailbox,
                routes=[
                    messages.RouteLoad("default", 2, 3, 40, 5_000),
                    messages.RouteLoad("eu", 0, 0, 0, 30),
                ],
            )
            shown.wait_for_selector("#routes_section:not([hidden])")
            assert cells(shown, "routes") == [
                ["default", "2", "40", "5,000"],
                ["eu", "0", "0", "30"],
            ]
            warned = "[...document.querySelectorAll('#routes .warns')].map((e) => e.textContent)"
            assert shown.evaluate(warned) == ["0"]
    assert said == []
