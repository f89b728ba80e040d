"""Which policy a role and its supervisor have, and whose workers a revoked key ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from fetcher.errors import UsageError
from fetcher.security import keygen, role_policy
from fetcher.security.rejections import Reason
from fetcher.security.role_policy import ClientSecurity, KeylessSecurity, ServerSecurity


class Authenticator:
    """Records the sockets that are watched."""

    refusal = ""

    def __init__(self) -> None:
        self.watched: list[tuple[str, str, bool]] = []

    def watch(self, socket: object, channel: str, address: str, *, bind: bool) -> None:
        self.watched.append((channel, address, bind))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys") / "keys"
    keygen.init(directory, ("a",))
    return directory


def test_a_folder_of_keys_makes_a_policy_with_keys(made: Path) -> None:
    sink = role_policy.of_role(str(made / "sink"), "sink")
    assert isinstance(sink, ServerSecurity)
    assert (sink.has_keys, sink.keyring.name) == (True, "sink")
    supervisor = role_policy.of_supervisor(str(made / "workers" / "a"), print)
    assert isinstance(supervisor, ClientSecurity)
    assert (supervisor.has_keys, supervisor.keyring.name) == (True, "a")


def test_without_a_folder_there_are_no_keys() -> None:
    for found in (role_policy.of_role("", "sink"), role_policy.of_supervisor("", print)):
        assert isinstance(found, KeylessSecurity)
        assert (found.has_keys, found.learns_refusals) == (False, True)


def test_a_folder_of_another_role_is_refused(made: Path) -> None:
    with pytest.raises(UsageError, match=r"must hold sink\.key_secret"):
        role_policy.of_role(str(made / "ventilator"), "sink")
    with pytest.raises(UsageError, match=r"must hold one \*\.key_secret of a worker"):
        role_policy.of_supervisor(str(made / "sink"), print)


def test_a_role_binds_its_own_channels_and_connects_to_the_others(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ventilator = role_policy.of_role(str(made / "ventilator"), "ventilator")
    watched = Authenticator()
    monkeypatch.setattr(ventilator, "_authenticator", watched)
    ventilator.watch(object(), "events", "tcp://a:1")
    ventilator.watch(object(), "commits", "tcp://b:2")
    assert watched.watched == [("events", "tcp://a:1", True), ("commits", "tcp://b:2", False)]


def test_a_role_without_keys_watches_the_sockets_that_it_connects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ventilator = role_policy.of_role("", "ventilator")
    watched = Authenticator()
    monkeypatch.setattr(ventilator, "_authenticator", watched)
    ventilator.watch(object(), "events", "tcp://a:1")
    ventilator.watch(object(), "commits", "tcp://b:2")
    assert watched.watched == [("commits", "tcp://b:2", False)]


def test_a_server_that_refuses_this_role_ends_it(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor = role_policy.of_supervisor(str(made / "workers" / "a"), print)
    supervisor.check()
    watched = Authenticator()
    watched.refusal = "tcp://a:1: the sink does not let this key in"
    monkeypatch.setattr(supervisor, "_authenticator", watched)
    with pytest.raises(UsageError, match=watched.refusal):
        supervisor.check()


def test_a_supervisor_says_what_failed(made: Path) -> None:
    said: list[str] = []
    supervisor = role_policy.of_supervisor(str(made / "workers" / "a"), said.append)
    supervisor.rejections.add(Reason.HUNG_UP, "the sink", "tcp://a:1")
    assert len(said) == 1


def test_the_workers_of_a_revoked_key_are_reported_once(made: Path) -> None:
    sink = role_policy.of_role(str(made / "sink"), "sink")
    assert isinstance(sink, ServerSecurity)
    workers = [
        "a-1-0123456789-1",
        "a-1-0123456789-2",
        "b-1-0123456789-1",
        "c-1-0123456789-1",
        "a-b-1-0123456789-1",
    ]
    assert sink.revoked(workers) == []
    for name in ("a", "c"):
        sink._authenticator.revoked.put(name)
    assert sink.revoked(workers) == ["a-1-0123456789-1", "a-1-0123456789-2", "c-1-0123456789-1"]
    assert sink.revoked(workers) == []
