"""Tests have the same names in all processes of a run: otherwise the run ends before it begins."""

from __future__ import annotations

import gzip

import pytest

TEXT = b"".join(b"line %d\n" % n for n in range(500))


def test_bytes_that_hold_the_time_do_not_change_the_name_of_a_test(
    pytestconfig: pytest.Config,
) -> None:
    packed_twice = [gzip.compress(gzip.compress(TEXT, mtime=time)) for time in range(50)]
    assert len({len(each) for each in packed_twice}) > 1, "the lengths show nothing"
    names = {
        pytestconfig.hook.pytest_make_parametrize_id(
            config=pytestconfig, val=each, argname="packed"
        )
        for each in packed_twice
    }
    assert names == {"packed"}
