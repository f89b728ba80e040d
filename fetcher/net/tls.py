"""The files that TLS needs: trusted authorities, a client certificate and its key."""

from __future__ import annotations

from pathlib import Path

import certifi

from fetcher.errors import ConfigError
from fetcher.settings import Http


def ca_file(http: Http) -> str:
    """The PEM file of trusted authorities."""
    return http.ca_file or certifi.where()


def check_files(http: Http) -> None:
    """Raises ConfigError where a file that is named cannot be read."""
    for name in ("ca_file", "client_cert", "client_key"):
        path = getattr(http, name)
        try:
            if path:
                Path(path).read_bytes()
        except OSError as error:
            raise ConfigError(f"http.{name}: {path}: {error.strerror}") from error
