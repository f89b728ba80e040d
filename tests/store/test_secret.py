"""The secret key in OUT: kept while only its owner may read it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fetcher.errors import DamageError
from fetcher.protocol.line_tags import KEY_BYTES
from fetcher.store.secret import SECRET_NAME, secret_of


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        key = secret_of(tmp_path)
        assert os.umask(0o022) == 0o022, "the mask of the process is as before"
    finally:
        os.umask(before)
    assert len(key) == KEY_BYTES
    assert (tmp_path / SECRET_NAME).stat().st_mode & 0o777 == 0o600
    assert secret_of(tmp_path) == key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_could_read_is_replaced(tmp_path: Path, mode: int) -> None:
    key = secret_of(tmp_path)
    (tmp_path / SECRET_NAME).chmod(mode)
    assert secret_of(tmp_path) != key
    assert (tmp_path / SECRET_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"x" * (KEY_BYTES - 1), b"x" * (KEY_BYTES + 1)])
def test_a_key_of_another_length_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / SECRET_NAME
    path.write_bytes(content)
    path.chmod(0o600)
    key = secret_of(tmp_path)
    assert (len(key), path.read_bytes()) == (KEY_BYTES, key)


def test_a_directory_in_its_place_is_damage(tmp_path: Path) -> None:
    (tmp_path / SECRET_NAME).mkdir()
    with pytest.raises(DamageError, match=SECRET_NAME):
        secret_of(tmp_path)
