"""The files of keys, and the list of peers that they make."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.errors import UsageError
from fetcher.security import keygen, keyring
from fetcher.security.keyring import AllowList


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys that no test changes."""
    directory = tmp_path_factory.mktemp("keys") / "keys"
    keygen.init(directory, ("host-a", "host-b"))
    return directory


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A folder with a list of two peers, host-a and host-b."""
    allowed = tmp_path / "sink" / "allowed"
    allowed.mkdir(parents=True, mode=0o700)
    for name in ("host-a", "host-b"):
        (allowed / f"{name}.key").write_bytes(public_file(made, name).read_bytes())
    return tmp_path / "sink"


def public_file(made: Path, name: str) -> Path:
    return made / "sink" / "allowed" / f"{name}.key"


def key_of(made: Path, name: str) -> str:
    return keyring.load(made / "workers" / name, keyring.WORKER).public.decode()


# -- names -----------------------------------------------------------------------------------

_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True).filter(
    lambda name: name not in ("ventilator", "sink")
)


@given(name=_NAMES, host=st.text(max_size=80), number=st.integers(1, 999))
def test_a_worker_belongs_to_its_own_key_alone(name: str, host: str, number: int) -> None:
    assert keyring.check_name(name) == name
    common = keyring.common_name(name, host)
    worker = keyring.worker_name(common, number)
    for made in (worker, f"{worker}.2"):
        assert keyring.belongs(made, name)
        assert not keyring.belongs(made, common)
        assert not keyring.belongs(made, f"x{name}")
        assert not keyring.belongs(made, name[:-1])


@pytest.mark.parametrize("name", ["ventilator", "sink"])
def test_the_names_of_servers_are_their_own(name: str) -> None:
    with pytest.raises(UsageError, match=r"is a role's own name"):
        keyring.check_name(name)
    assert keyring.belongs(name, name)
    assert not keyring.belongs(f"{name}-1-0123456789-1", name)


# -- loading ---------------------------------------------------------------------------------


def test_a_role_needs_the_public_keys_of_the_servers_that_it_connects_to(made: Path) -> None:
    loaded = {
        role: keyring.load(made / path, role)
        for role, path in {
            keyring.VENTILATOR: "ventilator",
            keyring.SINK: "sink",
            keyring.WORKER: "workers/host-a",
        }.items()
    }
    ventilator, sink = loaded[keyring.VENTILATOR].public, loaded[keyring.SINK].public
    assert loaded[keyring.VENTILATOR].servers == {"sink": sink}
    assert loaded[keyring.SINK].servers == {}
    assert loaded[keyring.WORKER].servers == {"ventilator": ventilator, "sink": sink}


def test_a_secret_key_is_never_shown(made: Path) -> None:
    loaded = keyring.load(made / "sink", keyring.SINK)
    assert loaded.secret.decode() not in repr(loaded)


def test_a_pair_of_two_different_keys_is_damaged(made: Path, tmp_path: Path) -> None:
    one = (made / "sink" / "sink.key_secret").read_text()
    other = (made / "ventilator" / "ventilator.key_secret").read_text()
    public = next(line for line in one.splitlines() if "public-key" in line)
    foreign = next(line for line in other.splitlines() if "public-key" in line)
    path = tmp_path / "sink.key_secret"
    path.write_text(one.replace(public, foreign))
    path.chmod(0o600)
    with pytest.raises(UsageError, match=r"its secret key does not fit its public key"):
        keyring.load(tmp_path, keyring.SINK)


def test_a_folder_of_all_roles_names_the_folder_of_the_role(made: Path) -> None:
    with pytest.raises(UsageError, match=rf"has 0; name the folder made .* in {made / 'sink'}$"):
        keyring.load(made, keyring.SINK)


# -- the list of peers -----------------------------------------------------------------------


def test_a_list_has_the_names_of_its_files_by_key(made: Path, folder: Path) -> None:
    peers = {key_of(made, name): name for name in ("host-a", "host-b")}
    assert AllowList(folder).names == peers


def test_other_files_in_the_directory_of_the_list_are_left_alone(folder: Path) -> None:
    (folder / "allowed" / "notes.txt").write_text("text")
    assert len(AllowList(folder).names) == 2


def remove(path: Path, _whole: bytes) -> None:
    path.unlink()


def damage(path: Path, _whole: bytes) -> None:
    path.write_text("damaged")


def replace(path: Path, whole: bytes) -> None:
    (path.parent / "new").write_bytes(whole.replace(b"#", b"##", 1))
    (path.parent / "new").replace(path)


@pytest.mark.parametrize(
    ("change", "is_allowed"), [(remove, False), (damage, False), (replace, True)]
)
def test_a_key_is_judged_by_its_file_as_it_is_now(
    made: Path, folder: Path, change: Callable[[Path, bytes], None], is_allowed: bool
) -> None:
    peers, key = AllowList(folder), key_of(made, "host-a")
    path = folder / "allowed" / "host-a.key"
    change(path, path.read_bytes())
    assert (peers.now(key) == "host-a") is is_allowed
    assert peers.now(key_of(made, "host-b")) == "host-b"


def test_another_key_under_a_known_name_is_noticed_at_the_same_time_and_size(
    made: Path, folder: Path
) -> None:
    path, other = (folder / "allowed" / f"{name}.key" for name in ("host-a", "host-b"))
    peers = AllowList(folder)
    at = path.stat()
    assert other.stat().st_size == at.st_size
    os.utime(other, ns=(at.st_atime_ns, at.st_mtime_ns))
    other.replace(path)
    assert peers.now(key_of(made, "host-a")) is None
    assert peers.now(key_of(made, "host-b")) == "host-a"


def test_a_key_that_was_added_is_found_at_once(made: Path, folder: Path) -> None:
    path = folder / "allowed" / "host-a.key"
    path.unlink()
    peers = AllowList(folder)
    assert peers.now(key_of(made, "host-a")) is None
    path.write_bytes(public_file(made, "host-a").read_bytes())
    assert peers.now(key_of(made, "host-a")) == "host-a"


def test_a_dict_of_names_is_replaced_and_never_changed(folder: Path) -> None:
    peers = AllowList(folder)
    before = peers.names
    copy = dict(before)
    (folder / "allowed" / "host-a.key").unlink()
    peers.refresh()
    assert peers.names != copy
    assert before == copy, "another thread may be reading it"


def test_a_damaged_file_is_logged_once_until_it_changes(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    peers = AllowList(folder)
    path = folder / "allowed" / "host-a.key"
    path.write_text("damaged")
    for _ in range(3):
        peers.refresh()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "host-a.key: damaged" in caplog.text
    assert "this key lets nobody in" in caplog.text
    path.write_text("damaged otherwise")
    peers.refresh()
    assert len(caplog.records) == 2


def test_a_directory_that_is_gone_allows_nobody(folder: Path) -> None:
    peers = AllowList(folder)
    (folder / "allowed").rename(folder / "away")
    peers.refresh()
    assert peers.names == {}


def test_a_directory_that_cannot_be_read_leaves_the_list_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    peers = AllowList(folder)
    before = peers.names

    def scandir(_path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", scandir)
    peers.refresh()
    assert peers.names is before
    assert "Permission denied: the list of peers stays as it was" in caplog.text
