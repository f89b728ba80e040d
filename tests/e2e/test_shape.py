"""The request that a line, the settings and a server's cookies make together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fetcher.model import Outcome, Result
from support import jobs
from support.crowded import Answer, Asked, crowded_site
from support.echo import echo_server
from support.names import at, name_server

OK: Answer = (200, {}, b"fine", 0.0)


@pytest.fixture(scope="module")
def dns() -> Iterator[str]:
    with name_server({("*", "A"): [at("127.0.0.1")]}) as server:
        yield f"--set=dns.servers=127.0.0.1:{server.port}"


def run(urlfile: Path, *options: str) -> list[Result]:
    out = urlfile.with_suffix(".out")
    done = jobs.call("run", urlfile, "-o", out, "--workers=1", "--quiet", *options)
    assert done.returncode == 0, done.stderr
    verdict = jobs.call("verify", out)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    return sorted(jobs.rows(out), key=lambda row: row.line)


def write_lines(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_method_headers_body_and_id_of_a_json_line_are_sent_and_the_id_comes_back(
    tmp_path: Path, dns: str
) -> None:
    with crowded_site(lambda name, path, number: OK) as site:
        base = f"http://a.test:{site.port}"
        lines: list[dict[str, object]] = [
            {"url": f"{base}/1", "id": "first"},
            {"url": f"{base}/2", "method": "HEAD", "id": 2},
            {"url": f"{base}/3", "method": "POST", "body": "a=1", "headers": {"X-One": "1"}},
            {"url": f"{base}/4", "headers": {"If-None-Match": '"tag"', "User-Agent": "me"}},
        ]
        found = run(write_lines(tmp_path / "urls.jsonl", lines), dns)
        asked = {request.path: request for request in site.asked}
    assert [row.id for row in found][:2] == ["first", 2]
    assert all(row.outcome is Outcome.OK for row in found)
    assert [asked[f"/{n}"].method for n in range(1, 5)] == ["GET", "HEAD", "POST", "GET"]
    assert (asked["/3"].body, asked["/3"].headers["x-one"]) == (b"a=1", "1")
    assert "expect" not in asked["/3"].headers
    assert (asked["/4"].headers["if-none-match"], asked["/4"].headers["user-agent"]) == (
        '"tag"',
        "me",
    )
    assert found[1].body_bytes == 0


def test_a_304_to_a_conditional_request_is_ok(tmp_path: Path, dns: str) -> None:
    with crowded_site(lambda name, path, number: (304, {"ETag": "x"}, b"", 0.0)) as site:
        line: dict[str, object] = {
            "url": f"http://a.test:{site.port}/",
            "headers": {"If-Modified-Since": "Sat, 21 Nov 2026 00:00:00 GMT"},
        }
        (row,) = run(write_lines(tmp_path / "urls.jsonl", [line]), dns)
    assert (row.outcome, row.status) == (Outcome.OK, 304)


def moved(target: str) -> Answer:
    return (302, {"Location": target, "Set-Cookie": "chain=1; Path=/"}, b"", 0.0)


def test_credentials_and_cookies_never_cross_to_another_host(tmp_path: Path, dns: str) -> None:
    def behave(name: str, path: str, number: int) -> Answer:
        if path == "/away":
            return moved(f"http://b.test:{site.port}/landed")
        return moved("/landed") if path == "/near" else OK

    cookies = tmp_path / "cookies.txt"
    with crowded_site(behave) as site:
        cookies.write_text("# Netscape HTTP Cookie File\na.test\tFALSE\t/\tFALSE\t0\tmine\tyes\n")
        headers = {"Authorization": "Bearer secret", "X-Api-Key": "secret", "Accept": "text/x"}
        lines: list[dict[str, object]] = [
            {"url": f"http://a.test:{site.port}/near", "headers": headers},
            {"url": f"http://a.test:{site.port}/away", "headers": headers},
            {"url": f"http://a.test:{site.port}/alone"},
        ]
        urlfile = write_lines(tmp_path / "urls.jsonl", lines)
        run(urlfile, dns, f"--set=http.cookies_file={cookies}", "--set=http.headers=X-All: token")
        asked: dict[tuple[str, str], Asked] = {(each.host, each.path): each for each in site.asked}
    near, away = asked["a.test", "/landed"].headers, asked["b.test", "/landed"].headers
    assert near["authorization"] == "Bearer secret"
    assert sorted(near["cookie"].split("; ")) == ["chain=1", "mine=yes"]
    assert not {"authorization", "x-api-key", "x-all", "cookie"} & away.keys()
    assert away["accept"] == "text/x"
    assert asked["a.test", "/alone"].headers["cookie"] == "mine=yes", "another line's chain"
    assert asked["a.test", "/alone"].headers["x-all"] == "token"


def test_an_auth_object_of_requests_can_be_named(tmp_path: Path) -> None:
    with echo_server() as base:
        urlfile = jobs.write_urls(tmp_path / "urls.txt", [f"{base}/digest", f"{base}/echo"])
        plain = run(urlfile)
        named = run(urlfile.rename(tmp_path / "again.txt"), "--set=http.auth=support.auths:digest")
    assert plain[0].status == 401
    assert [row.status for row in named] == [200, 200]


def test_wrong_names_in_the_settings_are_one_line(tmp_path: Path) -> None:
    urlfile = jobs.write_urls(tmp_path / "urls.txt", ["http://a.test/"])
    for option, said in (
        ("http.auth=nowhere:nothing", "http.auth = 'nowhere:nothing'"),
        ("http.cookies_file=/nowhere/cookies.txt", "http.cookies_file: /nowhere/cookies.txt"),
        ("http.ca_file=/nowhere/ca.pem", "http.ca_file: /nowhere/ca.pem"),
        ("dns.servers=here", "dns.servers = "),
        ("guard.allow=everything", "guard.allow = "),
        ("http.headers=no colon", "http.headers = "),
    ):
        done = jobs.call(
            "run", urlfile, "-o", tmp_path / "out", "--workers=3", "--quiet", f"--set={option}"
        )
        assert done.returncode == 2, (option, done.stderr)
        assert said in done.stderr and "Traceback" not in done.stderr, (option, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
