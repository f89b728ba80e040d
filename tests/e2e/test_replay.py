"""pywb replays a WARC archive in OUT, page for page and byte for byte."""

from __future__ import annotations

import gzip
from pathlib import Path

from fetcher.model import Outcome
from support import jobs
from support.replay import Replay, replaying
from support.scripted import Script, answer, chunked, head, scripted
from support.secure import context_of, http2_server
from tools.certificates import Authority
from tools.site.pages import kind_of
from tools.site.running import RunningSite

TEXT = b"<p>the same again and again</p>\n" * 100
SCRIPTS = {
    "/plain": Script(answer(TEXT, "Content-Type: text/html")),
    "/gzip": Script(answer(gzip.compress(TEXT), "Content-Encoding: gzip")),
    "/chunked": Script(head("Transfer-Encoding: chunked") + chunked(TEXT[:9], TEXT[9:])),
    "/gone": Script(answer(b"gone", status="404 Not Found")),
    "/hop": Script(head("Location: /plain", "Content-Length: 0", status="302 Found")),
    "/query": Script(answer(b"asked", "Content-Type: text/plain")),
}


def require_same(replay: Replay, url: str, body: bytes, status: int = 200) -> None:
    got = replay.get(url)
    assert got.status == status, (url, got)
    packed = got.headers.get("Content-Encoding") == "gzip"
    assert (gzip.decompress(got.body) if packed else got.body) == body, url


def test_an_archive_is_replayed_byte_for_byte(site: RunningSite, tmp_path: Path) -> None:
    numbers = [n for n in range(200) if "slow" not in kind_of(n).__name__][:75]
    pages = [site.url(f"/page/{n}") for n in numbers]
    context = context_of(*Authority(tmp_path).issue(["127.0.0.1"]))
    out, kept = tmp_path / "out", tmp_path / "kept"
    with http2_server(context) as port, scripted(SCRIPTS) as server:
        second = f"https://127.0.0.1:{port}/h2"
        scripts = [server.url(path) for path in SCRIPTS] + [server.url("/query?b=2&a=1")]
        urls = jobs.write_urls(tmp_path / "urls.txt", [*pages, second, *scripts])
        trust, once = "--set=http.verify_tls=false", "--set=output.warc_dedupe=true"
        for folder, mode in ((out, "warc"), (kept, "files")):
            done = jobs.call("run", urls, "-o", folder, f"--set=output.bodies={mode}", trust, once)
            assert done.returncode == 0, done.stderr
        base = server.url("")
    jobs.prove(out, urls)
    index = (out / "bodies" / "index.cdxj").read_text()
    assert "warc/revisit" in index, "some have the body of another"
    # A body by another fetch of the same page, which says what it should be.
    rows = {row.url: row for row in jobs.rows(kept)}
    with replaying(out, tmp_path / "pywb") as replay:
        replayed = 0
        for url in [*pages, second]:
            row = rows[url]
            if row.outcome is Outcome.OK and not row.redirects:
                body = (kept / str(row.body_file)).read_bytes()
                require_same(replay, url, body)
                replayed += 1
        assert replayed >= 50 and rows[second].http_version == "2"
        for path in ("/plain", "/gzip", "/chunked"):
            require_same(replay, base + path, TEXT)
        require_same(replay, f"{base}/query?a=1&b=2", b"asked")
        require_same(replay, f"{base}/gone", b"gone", 404)
        hop = replay.get(f"{base}/hop")
        assert hop.status == 302 and hop.headers["Location"].endswith("/plain")
        assert replay.get(f"{base}/never-fetched").status == 404
