"""What could be a credential goes to the origin that the line names, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fetcher.model import Outcome
from support.fetching import fetch
from support.names import at, name_server
from support.scripted import Asked, Script, ScriptedServer, answer, scripted
from support.secure import context_of
from tools.certificates import Authority

SECRETS: dict[str, Any] = {
    "auth": "support.auths:basic",
    "headers": ["X-Api-Key: key", "Accept-Language: de"],
}


def moved(to: str) -> Script:
    return Script(answer(b"", f"Location: {to}", "Set-Cookie: c=1", status="302 Found"))


def heads(server: ScriptedServer) -> dict[str, bytes]:
    """The request heads by path, in lower case."""
    return {
        asked.path: head.lower() for asked, head in zip(server.asked, server.heads, strict=True)
    }


def shown(head: bytes) -> set[str]:
    """Which secrets a request head holds."""
    words = {"authorization": b"authorization:", "key": b"x-api-key:", "cookie": b"cookie: c=1"}
    return {name for name, word in words.items() if word in head}


def test_an_auth_object_follows_redirects_of_its_own_origin_only() -> None:
    with scripted({"/away": Script(answer(b""))}) as other:
        targets = {"/start": "/near", "/near": other.url("/away")}

        def script(asked: Asked) -> Script:
            return moved(targets[asked.path])

        with scripted({"/start": script, "/near": script}) as home:
            (row,) = fetch([home.url("/start")], **SECRETS).results
    assert (row.outcome, len(row.redirects)) == (Outcome.OK, 2)
    assert shown(heads(home)["/start"]) == {"authorization", "key"}
    assert shown(heads(home)["/near"]) == {"authorization", "key", "cookie"}
    # The same host: a cookie knows no ports (RFC 6265, 8.5), all else does.
    assert shown(heads(other)["/away"]) == {"cookie"}
    assert b"accept-language: de" in heads(other)["/away"]


def test_credentials_that_a_redirect_dropped_do_not_come_back_with_a_redirect_home() -> None:
    with scripted({"/": lambda asked: moved(home.url("/back"))}) as other:
        with scripted({"/": moved(other.url("/")), "/back": Script(answer(b""))}) as home:
            (row,) = fetch([home.url("/")], **SECRETS).results
        assert row.outcome is Outcome.OK
        assert shown(heads(home)["/back"]) == {"cookie"}


def test_another_scheme_or_name_of_the_same_server_is_another_origin(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    secured = context_of(*authority.issue(["a.test"]))
    zone = {("*", "A"): [at("127.0.0.1")]}
    with (
        scripted({"/": Script(answer(b""))}) as plain,
        scripted({"/": moved(f"http://a.test:{plain.port}/")}, secured) as tls,
        scripted({"/": moved(f"http://b.test:{plain.port}/")}) as named,
        name_server(zone) as names,
    ):
        done = fetch(
            [f"https://a.test:{tls.port}/", f"http://a.test:{named.port}/"],
            sections={"dns": {"servers": [f"127.0.0.1:{names.port}"]}},
            ca_file=str(authority.ca_file),
            **SECRETS,
        )
        assert [row.outcome for row in done.results] == [Outcome.OK] * 2
        assert shown(tls.heads[0].lower()) == {"authorization", "key"}
        assert [shown(head.lower()) - {"cookie"} for head in plain.heads] == [set(), set()]
        by_name = {head.split(b"\r\nHost: ")[1].split(b":")[0]: head for head in plain.heads}
        assert "cookie" not in shown(by_name[b"b.test"].lower())


def test_a_cookie_file_is_sent_where_it_belongs(tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text("a.test\tFALSE\t/deep\tFALSE\t0\tc\t1\na.test\tFALSE\t/\tTRUE\t0\ts\t1\n")
    pages = {"/": Script(answer(b"")), "/deep": Script(answer(b""))}
    with scripted(pages) as server, name_server({("*", "A"): [at("127.0.0.1")]}) as names:
        base = (f"http://{host}.test:{server.port}" for host in ("a", "x.a", "b"))
        urls = [f"{each}{path}" for each in base for path in ("/", "/deep")]
        fetch(
            urls,
            sections={"dns": {"servers": [f"127.0.0.1:{names.port}"]}},
            cookies_file=str(file),
        )
    sent = [head for head in server.heads if b"cookie:" in head.lower()]
    assert len(server.heads) == 6
    (head,) = sent
    assert b"GET /deep " in head and b"\r\nHost: a.test:" in head
    assert b"\r\nCookie: c=1\r\n" in head, "and not the secure one"


def test_an_auth_object_gets_the_url_as_it_is_sent() -> None:
    with scripted({"/%7e'": Script(answer(b""))}) as server:
        (row,) = fetch([server.url("/%7e'?d=100%&n=caf%c3%a9&q='")], **SECRETS).results
    assert row.outcome is Outcome.OK
    assert [asked.path for asked in server.asked] == ["/%7e'?d=100%&n=caf%c3%a9&q=%27"]
    assert row.final_url == server.url("/%7e'?d=100%&n=caf%c3%a9&q=%27")
