"""Folders of keys: what is made, what is refused, and who is on the list."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.security import keygen, keyring


@pytest.fixture
def made(tmp_path: Path) -> Path:
    directory = tmp_path / "keys"
    keygen.init(directory, ("host-a", "host-b"))
    return directory


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_each_folder_holds_what_its_role_needs(made: Path) -> None:
    ventilator = keyring.load(made / "ventilator", keyring.VENTILATOR)
    sink = keyring.load(made / "sink", keyring.SINK)
    worker = keyring.load(made / "workers" / "host-a", keyring.WORKER)
    assert (ventilator.name, sink.name, worker.name) == ("ventilator", "sink", "host-a")
    assert ventilator.servers == {"sink": sink.public}
    assert sink.servers == {}
    assert worker.servers == {"ventilator": ventilator.public, "sink": sink.public}
    other = keyring.load(made / "workers" / "host-b", keyring.WORKER)
    workers = {worker.public.decode(): "host-a", other.public.decode(): "host-b"}
    assert keyring.AllowList(made / "ventilator").names == workers
    peers = {**workers, ventilator.public.decode(): "ventilator"}
    assert keyring.AllowList(made / "sink").names == peers
    assert repr(worker.secret) not in repr(worker)


def test_files_and_directories_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keygen.init(tmp_path / "keys", ("a",))
        keygen.add_workers(tmp_path / "keys", ("b",))
    finally:
        assert os.umask(before) == 0
    for path in [tmp_path / "keys", *(tmp_path / "keys").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_no_key_is_ever_overwritten(made: Path) -> None:
    before = files(made)
    with pytest.raises(UsageError, match="never overwritten"):
        keygen.init(made, ("host-c",))
    for names in (("host-a",), ("new", "host-b")):
        with pytest.raises(UsageError, match="never overwritten"):
            keygen.add_workers(made, names)
    assert files(made) == before
    keygen.add_workers(made, ("host-c",))
    after = files(made)
    assert {name: after[name] for name in before} == before
    assert "host-c" in keyring.AllowList(made / "sink").names.values()


def test_what_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    full = tmp_path / "keys"
    full.write_text("a file")
    with pytest.raises(UsageError):
        keygen.init(full / "below", ())
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "-a", "a b", "ventilator", "sink", "ä", "a\n", "x" * 65]
)
def test_an_invalid_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        keygen.init(tmp_path / "keys", (name,))
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    ("worker", "key"),
    [
        ("host-77-0123456789-1", "host"),
        ("host-1-77-abcdefabcd-1", "host-1"),
        ("host-77-0123456789-1-77-0123456789-2", "host-77-0123456789-1"),
        ("host-77-0123456789-1.3", "host"),
        ("host@node-7-77-0123456789-1.3", "host"),
        ("sink", "sink"),
    ],
)
def test_a_worker_belongs_to_the_key_it_is_named_after(worker: str, key: str) -> None:
    assert keyring.belongs(worker, key)


@pytest.mark.parametrize(
    ("worker", "key"),
    [
        ("host-1-77-0123456789-1", "host"),
        ("host-77-0123456789-1", "host-77"),
        ("host-77-1", "host"),
        ("host", "host"),
        ("hostile-77-0123456789-1", "host"),
        ("host@other@node-77-0123456789-1", "host"),
        ("other@host-77-0123456789-1", "host"),
        ("ventilator", "host"),
        ("ventilator-1-0123456789-1", "ventilator"),
        ("host-77-0123456789-1", ""),
        ("host-77-0123456789-1\n", "host"),
    ],
)
def test_a_worker_belongs_to_no_other_key(worker: str, key: str) -> None:
    assert not keyring.belongs(worker, key)


@pytest.mark.parametrize("host", ["", "node-7.example", "a@b", "x" * 300])
def test_a_worker_s_own_name_belongs_to_its_key(host: str) -> None:
    worker = keyring.worker_name(keyring.common_name("a-1", host), 2)
    assert keyring.belongs(worker, "a-1")
    assert len(worker) <= 200


def test_supervisors_of_one_key_and_one_pid_name_their_workers_differently() -> None:
    assert len({keyring.common_name("a") for _ in range(100)}) == 100


def test_a_secret_of_root_may_be_readable_for_the_roles_group() -> None:
    modes = keyring._secret_modes
    assert modes(owner=0, user=10001) == 0o640
    assert modes(owner=10001, user=10001) == modes(owner=0, user=0) == 0o600


def test_each_fault_of_a_folder_is_one_line(made: Path) -> None:
    folder = made / "workers" / "host-a"
    secret = folder / "host-a.key_secret"

    def fault(path: Path = folder, role: str = keyring.WORKER) -> str:
        with pytest.raises(UsageError) as caught:
            keyring.load(path, role)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no such directory" in fault(made / "nowhere")
    assert str(made / "workers") in fault(made)
    assert str(made / "sink") in fault(made, keyring.SINK)
    assert "ventilator.key_secret" in fault(folder, keyring.VENTILATOR)
    secret.chmod(0o640)
    assert "mode 0640" in fault()
    secret.chmod(0o600)
    whole = secret.read_bytes()
    for damaged in (b"", whole.replace(b"secret-key", b"sekret-key"), whole[:-20], b"\xff" * 200):
        secret.write_bytes(damaged)
        assert "damaged" in fault()
    shutil.copy(made / "workers" / "host-b" / "host-b.key_secret", folder)
    secret.write_bytes(whole)
    assert "has 2" in fault()
    (folder / "host-b.key_secret").unlink()
    (folder / "sink.key").write_text('curve\n    public-key = "short"\n')
    assert "sink.key: damaged" in fault()
    (folder / "sink.key").unlink()
    assert "sink.key: no such file" in fault().lower()
    secret.unlink()
    assert "has 0" in fault()


def test_a_list_that_others_may_change_or_that_is_damaged_is_refused(made: Path) -> None:
    allowed = made / "sink" / "allowed"
    allowed.chmod(0o770)
    with pytest.raises(UsageError, match="mode 0770"):
        keyring.AllowList(made / "sink")
    allowed.chmod(0o700)
    shutil.copy(allowed / "host-a.key", allowed / "twice.key")
    with pytest.raises(UsageError, match="under two names"):
        keyring.AllowList(made / "sink")
    (allowed / "twice.key").write_text("nothing")
    with pytest.raises(UsageError, match=r"twice\.key: damaged"):
        keyring.AllowList(made / "sink")
    shutil.rmtree(allowed)
    with pytest.raises(UsageError, match="no such directory"):
        keyring.AllowList(made / "sink")


def test_a_list_is_what_its_files_are_now(made: Path) -> None:
    allowed = made / "sink" / "allowed"
    peers = keyring.AllowList(made / "sink")
    key_a = next(key for key, name in peers.names.items() if name == "host-a")
    key_b = next(key for key, name in peers.names.items() if name == "host-b")
    assert peers.now(key_a) == "host-a"
    (allowed / "host-a.key").rename(allowed / "away")
    assert peers.now(key_a) is None
    assert key_a not in peers.names
    # Another key under a name that was known.
    (allowed / "away").rename(allowed / "host-b.key")
    assert peers.now(key_b) is None
    peers.refresh()
    assert peers.now(key_a) == "host-b"
    (allowed / "host-b.key").write_text("damaged while the role runs")
    assert peers.now(key_a) is None
    allowed.rename(made / "gone")
    peers.refresh()
    assert peers.names == {}


def test_a_folder_of_that_name_in_a_set_of_keys_is_suggested(tmp_path: Path) -> None:
    keygen.init(tmp_path / "keys", ("worker-a",))
    for name, meant in (("sink", "keys/sink"), ("worker-a", "keys/workers/worker-a")):
        with pytest.raises(UsageError) as error:
            keyring.load(tmp_path / name, keyring.SINK if name == "sink" else keyring.WORKER)
        assert f"did you mean {tmp_path / meant}?" in str(error.value)
    with pytest.raises(UsageError, match="`fetcher keys init` makes it"):
        keyring.load(tmp_path / "another", keyring.SINK)
