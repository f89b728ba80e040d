"""The URL standard's own tests, for lines and for redirects: as it says, or a listed departure."""

from __future__ import annotations

import re

import pytest

from fetcher.fetch.failures import Failure
from fetcher.fetch.transfer import redirects
from fetcher.fetch.urls import NoUrlError, target_of
from fetcher.model import Outcome
from fetcher.settings.schema import Http
from support.url_standard import Case, cases, hosts

LIMIT = 32_768
HTTP = Http(max_url_bytes=LIMIT)
# How many cases there are at least: none must go missing where the data changes its form.
LEAST = {"lines": 400, "hops": 450, "hosts": 75}
DNS = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")


def departure(case: Case, *, is_line: bool) -> str:
    """Words of the reason why it is refused although the standard has it; "" if it is not."""
    if is_line and (control := re.search(r"[\x00-\x1f\x7f]", case.text)):
        return f"control character 0x{ord(control[0]):02x}"
    if is_line and re.search(r"[\ud800-\udfff]", case.text):
        return "lone surrogate"
    if case.has_user:
        return "user name or password"
    if case.port == "0":
        return "port 0"
    if "[" not in case.host and not (DNS.fullmatch(case.host) and len(case.host) < 254):
        return "host name"
    return ""


def check_line(case: Case) -> None:
    try:
        made = target_of(case.text, LIMIT).url
    except NoUrlError as error:
        if case.is_web:
            words = departure(case, is_line=True)
            assert words, (case, error)
            assert words in str(error), case
    else:
        assert made == case.url, case


def check_hop(case: Case) -> None:
    assert case.base is not None
    try:
        location = case.text.encode("utf-8").decode("latin-1")
    except UnicodeEncodeError:
        return  # no header has half a character
    try:
        made = redirects.hop(target_of(case.base, LIMIT), location, HTTP).url
    except Failure as failure:
        if case.is_web:
            words = departure(case, is_line=False)
            assert words, (case, failure)
            assert words in failure.message, case
        wanted = Outcome.BLOCKED if case.url and not case.is_web else Outcome.PROTOCOL
        assert failure.outcome is wanted, (case, failure)
    else:
        # The fragment of the page goes on where the Location has none (RFC 9110, 10.2.2).
        inherited = case.base.partition("#")[2] if "#" not in (case.url or "") else ""
        assert made == f"{case.url}{inherited and '#'}{inherited}", case


def test_a_line_means_what_the_standard_says() -> None:
    found = [case for case in cases() if not case.is_on_web_page]
    # What has a scheme means the same on any page.
    found += [
        case for case in cases() if case.is_on_web_page and re.match(r"https?://", case.text, re.I)
    ]
    assert len(found) >= LEAST["lines"]
    for case in found:
        check_line(case)


def test_a_location_means_what_the_standard_says() -> None:
    found = [case for case in cases() if case.is_on_web_page]
    found += [
        case._replace(base="http://page.example/a/b?c")
        for case in cases()
        if not case.is_on_web_page and re.match(r"[A-Za-z]+://", case.text)
    ]
    assert len(found) >= LEAST["hops"]
    for case in found:
        try:
            target_of(case.base or "", LIMIT)
        except NoUrlError:
            continue  # nothing is fetched from there
        check_hop(case)


def test_a_host_is_what_the_standard_says() -> None:
    found = hosts()
    assert len(found) >= LEAST["hosts"]
    for case in found:
        check_line(case)


@pytest.mark.parametrize("text", ["http://h/\t", "http://h/\ud800", "http://u@h/", "http://h:0/"])
def test_a_departure_is_one(text: str) -> None:
    with pytest.raises(NoUrlError):
        target_of(text, LIMIT)
