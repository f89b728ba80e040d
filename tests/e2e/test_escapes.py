"""Text from a list, a server or a file name never controls the terminal that shows it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support import jobs
from support.scripted import Script, answer, scripted
from support.terminals import on_terminal

# A title, a colour, C1's control sequence and string introducers, bidi, a bell, what ends a line.
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x9b2J\x90x\x9c\u202egnp\u2066\u200f\x7f\x85\u2028é😀"
ESCAPED = r"\x1b[31mred\x9b2J\x90x\x9c\u202egnp\u2066\u200f\x7f\x85\u2028é😀"
# What rich and we write: colours, the cursor's moves and visibility, erased lines.
OURS = re.compile(rb"\x1b\[[0-9;]*[mAGK]|\x1b\[\?(25|2026)[hl]|\x1b\[2K|\r")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete job whose list, name and server are hostile."""
    path = tmp_path_factory.mktemp("hostile")
    urls, out = path / f"{HOSTILE.replace('/', '')}.jsonl", path / "out"
    head = f"X-H: {HOSTILE}\r\nContent-Type: {HOSTILE}\r\n".replace("\x85", "").encode()
    body = answer(b"no", status="404 Not Found").replace(b"\r\n\r\n", b"\r\n" + head + b"\r\n")
    with scripted({"/": Script(body)}) as server:
        lines = [{"url": HOSTILE}, {"url": f"http://{HOSTILE}/"}, {"url": server.url("/")}]
        urls.write_text("".join(json.dumps(line) + "\n" for line in lines))
        done = jobs.call("run", urls, "-o", out, "--workers=1")
    assert done.returncode == 0, done.stderr
    return out


def require_tame(said: bytes) -> str:
    """The text, without our own control sequences; nothing else steers."""
    text = OURS.sub(b"", said).decode()
    assert all(char.isprintable() or char in "\n\t" for char in text), text
    return text


COMMANDS = {
    "urls OUT --outcome invalid_url": (0, ESCAPED),
    "status OUT": (0, ESCAPED),
    "status OUT --json": (0, "\\u202e"),
    "verify OUT": (0, ESCAPED),
    "report OUT --text": (0, "invalid_url"),
    "report OUT --json": (0, "\\u202e"),
    "top OUT --once": (0, "red"),
    "export OUT -o - --to csv": (0, ESCAPED),
    "export OUT -o - --to jsonl": (0, "\\u202e"),
    "config -c NOWHERE": (2, ESCAPED),
    "run NOWHERE -o NEW": (2, ESCAPED),
    "export OUT --to csv -o NEW": (0, ESCAPED),
    "retry OUT -o NEW --outcome invalid_url": (0, ESCAPED),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_on_a_terminal_it_is_escaped(out: Path, tmp_path: Path, command: str) -> None:
    name = tmp_path / HOSTILE.replace("/", "")
    known = {"OUT": str(out), "NOWHERE": str(name), "NEW": str(name)}
    code, said = on_terminal([known.get(word, word) for word in command.split()], tmp_path)
    wanted, part = COMMANDS[command]
    text = require_tame(said)
    assert code == wanted, text
    # Tables may break it.
    assert part in text.replace("\n", "").replace("…", ""), text


def test_what_verify_finds_is_escaped(out: Path) -> None:
    stray = out / "results" / f"part-{HOSTILE.replace('/', '')}.jsonl"
    stray.write_bytes(b"x")
    try:
        code, said = on_terminal(("verify", out))
        assert (code, ESCAPED in require_tame(said)) == (0, True)
        assert "\x9b2J" in jobs.call("verify", out).stdout
    finally:
        stray.unlink()


@pytest.mark.parametrize(
    "command", ["urls OUT --outcome invalid_url", "export OUT -o - --to csv --columns url"]
)
def test_in_a_pipe_it_stays_as_it_is(out: Path, command: str) -> None:
    done = jobs.call(*(str(out) if word == "OUT" else word for word in command.split()))
    assert done.stdout.count(HOSTILE) == 2


def test_what_roles_log_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(
        "import logging\n"
        "def handle(page):\n"
        f"    logging.warning('%s', {HOSTILE!r})\n"
        f"    raise ValueError({HOSTILE!r})\n"
    )
    urls = jobs.write_urls(tmp_path / "urls.txt", ["http://a.invalid/"])
    options = ("--workers=1", "--set=worker.transport=null", "--set=worker.handler=loud:handle")
    path = f"{tmp_path}:{jobs.ENV['PYTHONPATH']}"
    arguments = ("run", urls, "-o", tmp_path / "out", *options)
    code, said = on_terminal(arguments, PYTHONPATH=path)
    assert (code, require_tame(said).count(ESCAPED) >= 1) == (0, True)
