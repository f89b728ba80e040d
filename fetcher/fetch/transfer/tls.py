"""Checks the files that TLS needs: trusted authorities, a client certificate and its key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fetcher.errors import ConfigError
from fetcher.settings.schema import Http


def ca_file(http: Http) -> str:
    """The PEM file of trusted authorities."""
    if http.ca_file:
        return http.ca_file
    import certifi  # noqa: PLC0415 (takes time to load)

    return certifi.where()


def check_files(http: Http) -> None:
    """Raise ConfigError if a named file cannot be read, or does not hold what it should."""
    for name in ("ca_file", "client_cert", "client_key"):
        path = getattr(http, name)
        try:
            if path:
                Path(path).read_bytes()
        except OSError as error:
            raise ConfigError(f"http.{name}: {path}: {error.strerror}") from error
    if not (http.ca_file or http.client_cert or http.client_key):
        return
    import ssl  # noqa: PLC0415 (takes time to load)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if http.ca_file:
        with _as_config_error("ca_file", http.ca_file, "no certificates in PEM"):
            context.load_verify_locations(http.ca_file)
    if http.client_cert:
        with _as_config_error(
            "client_cert", http.client_cert, "no certificate with its key in PEM"
        ):
            # An empty password: without one, OpenSSL would ask on the terminal.
            context.load_cert_chain(http.client_cert, http.client_key or None, password="")
    elif http.client_key:
        raise ConfigError("http.client_key is set without http.client_cert")


@contextlib.contextmanager
def _as_config_error(name: str, path: str, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:  # an ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or str(error)
        said = f"http.{name}: {path}: {what} ({reason.lower().replace('_', ' ')})"
        raise ConfigError(said) from error
