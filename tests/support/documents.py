"""The commands of a document, run one after the other as a reader would, and what they show.

In a document, by a fence's language:
- `console`: lines that begin with `$ ` are commands of one bash (`> ` continues one), the others
  what is shown; `…` stands for any text, on a line of its own for any lines. A command that fails
  is followed by `$ echo $?`.
- `sh`, `python`: run as a script.
- `pycon`: a Python session, one for the whole document; `...` stands for any text.
- any other, with `<!-- file: NAME -->` above the fence: the content of a file.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

RUN = frozenset({"console", "sh", "python", "pycon"})
SHOWN = frozenset({"json", "text", "toml", "yaml", "csv"})
_FENCE = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n)?```(?P<kind>\S*)\n(?P<text>.*?)^```$", re.M | re.S
)
_MARK = "-- end of a command, with exit code"
_LIMIT_S = 60
_CLIENT = Path(__file__).with_name("forked_client.py")


class Block(NamedTuple):
    """A fenced block."""

    kind: str
    text: str
    file: str | None
    line: int  # of its fence, in the document


class Step(NamedTuple):
    """A command of a console, and what the document shows of it."""

    command: str
    shown: list[str]


def blocks(document: str) -> Iterator[Block]:
    """All fenced blocks, in order."""
    for match in _FENCE.finditer(document):
        line = document.count("\n", 0, match.start()) + 1
        yield Block(match["kind"], match["text"], match["file"], line)


def anchors(document: str) -> set[str]:
    """The names by which links lead to the document's headings."""
    text = _FENCE.sub("", document)
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


class Reader:
    """Does what a document says, in one directory.

    `forks`: the address of a fork server of support.program_main; "": fetcher is started anew.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], forks: str = "") -> None:
        programs = folder / ".bin"
        programs.mkdir()
        client = f"-I -S {shlex.quote(str(_CLIENT))} {forks.removeprefix(chr(0))}"
        for name, command in (("fetcher", client if forks else "-m fetcher"), ("python", "")):
            path = programs / name
            path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {command} "$@"\n')
            path.chmod(0o755)
        self._folder = folder
        self._environ = {**environ, "PATH": f"{programs}:{environ['PATH']}"}

    def follow(self, document: str) -> int:
        """Run all of it; the number of blocks that were run. Raises AssertionError."""
        found = list(blocks(document))
        assert len(found) * 2 == len(re.findall(r"^```", document, re.M)), "a fence is not closed"
        session = "".join(block.text + "\n" for block in found if block.kind == "pycon")
        run = 0
        for block in found:
            assert block.kind in RUN | SHOWN, f"line {block.line}: a {block.kind!r} block"
            if block.file is not None:
                (self._folder / block.file).write_text(block.text)
            elif block.kind == "console":
                self._console(block)
            elif block.kind == "sh":
                self._script(["bash", "-eu", "-o", "pipefail"], block)
            elif block.kind == "python":
                self._script([sys.executable], block)
            run += block.kind in RUN
        if session:
            path = self._folder / "session.txt"
            path.write_text(session)
            self._call([sys.executable, "-m", "doctest", "-o", "ELLIPSIS", path.name], "session")
        return run

    def _script(self, program: list[str], block: Block) -> None:
        path = self._folder / f"block{block.line}.{block.kind}"
        path.write_text(block.text)
        self._call([*program, path.name], f"line {block.line}")

    def _call(self, command: list[str], where: str) -> None:
        done = self._run(command)
        assert done.returncode == 0, f"{where}: {done.stdout}"

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=self._folder,
            env=self._environ,
            timeout=_LIMIT_S,
        )

    def _console(self, block: Block) -> None:
        steps = list(_steps(block))
        # The exit code is there again for `echo $?`.
        script = "".join(
            f"{step.command}\ncode=$?; echo; echo '{_MARK}' $code; (exit $code)\n" for step in steps
        )
        path = self._folder / f"block{block.line}.console"
        path.write_text(script)
        output = self._run(["bash", path.name]).stdout
        parts = re.split(rf"^{_MARK} (\d+)\n", output, flags=re.M)
        assert len(parts) == 2 * len(steps) + 1, f"line {block.line}: {output}"
        for number, step in enumerate(steps):
            said, code = parts[2 * number], int(parts[2 * number + 1])
            asked = number + 1 < len(steps) and steps[number + 1].command == "echo $?"
            assert code == 0 or asked, f"line {block.line}: {step.command}: {code}: {said}"
            if step.shown:
                assert matches(step.shown, said.rstrip().splitlines()), (
                    f"line {block.line}: {step.command} shows\n{said}"
                )


def _steps(block: Block) -> Iterator[Step]:
    command: list[str] = []
    shown: list[str] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            if command:
                yield Step("\n".join(command), shown)
            command, shown = [line.removeprefix("$ ")], []
        elif line.startswith("> ") and not shown:
            command.append(line.removeprefix("> "))
        else:
            assert command, f"line {block.line}: output before any command"
            shown.append(line)
    assert command, f"line {block.line}: a console without a command"
    yield Step("\n".join(command), shown)


def matches(shown: list[str], said: list[str]) -> bool:
    """Whether the output is as shown, trailing blanks aside."""
    lines = (
        r"(?:.*\n)*?"
        if line.strip() == "…"
        else ".*".join(map(re.escape, line.split("…"))) + r" *\n"
        for line in shown
    )
    return re.fullmatch("".join(lines), "".join(f"{line}\n" for line in said)) is not None
