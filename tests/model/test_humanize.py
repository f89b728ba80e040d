"""Text for people: words that can be pasted into a shell."""

from __future__ import annotations

import subprocess

from fetcher.humanize import shell_word

TEXTS = [
    *("out", "", "it's out", "a b", "$HOME", "`id`", "*", "back\\slash", "ä"),
    *("tab\there", "two\nlines", "'\n'", '"\n"', "\\\n\\", "bell\x07f", "\x1b[31mred", "$\n{a}"),
    *("left\N{RIGHT-TO-LEFT OVERRIDE}right", "\N{NO-BREAK SPACE}ä\x7f1", "\r\nend\n"),
]


def test_bash_reads_each_shell_word_as_the_text_that_it_was_made_of() -> None:
    words = " ".join(map(shell_word, TEXTS))
    assert words.isprintable()
    done = subprocess.run(
        ["bash", "-c", rf"printf '%s\0' {words}"], check=True, capture_output=True, timeout=60
    )
    assert done.stdout.decode().split("\0")[:-1] == TEXTS
