"""Keys that an engine's workers share, and signatures of tickets."""

from __future__ import annotations

from pathlib import Path

import zmq

from fetcher.security import engine_keys, keygen, keyring
from fetcher.security.keyring import AllowList

SHARED = "a shared secret!".replace(" ", "-")


def test_both_sides_derive_the_same_key_and_each_session_has_its_own() -> None:
    key = engine_keys.derived_secret_key(SHARED, "session")
    assert key == engine_keys.derived_secret_key(SHARED, "session")
    assert len(zmq.curve_public(key.encode())) == 40
    assert key != engine_keys.derived_secret_key(SHARED, "session2")
    assert key != engine_keys.derived_secret_key(SHARED + "x", "session")


def test_a_folder_of_an_engine_s_key_is_one_that_the_roles_read(tmp_path: Path) -> None:
    keys, own = tmp_path / "keys", tmp_path / "own"
    keygen.init(keys, ())
    secret = engine_keys.new_secret_key()
    engine_keys.allow(keys, "celery", secret)
    engine_keys.write_worker_folder(own, "celery", secret, engine_keys.public_keys(keys))
    loaded = keyring.load(own, keyring.WORKER)
    assert (loaded.name, loaded.secret) == ("celery", secret.encode())
    for role in ("ventilator", "sink"):
        assert keyring.load(keys / role, role).public == loaded.servers[role]
        assert AllowList(keys / role).names[loaded.public.decode()] == "celery"
    assert {path.stat().st_mode & 0o777 for path in own.iterdir()} == {0o600}


def test_a_signature_fits_its_text_and_secret_only() -> None:
    signed = engine_keys.signature(SHARED, b"text")
    assert engine_keys.is_signed(SHARED, b"text", signed)
    assert not engine_keys.is_signed(SHARED, b"texts", signed)
    assert not engine_keys.is_signed(SHARED + "x", b"text", signed)
    assert not engine_keys.is_signed(SHARED, b"text", "")
