"""The port that a process serves, and the error for a port that cannot be bound."""

from __future__ import annotations

import errno

import msgspec

from fetcher.errors import ConfigError, ConflictError, FetcherError, UsageError
from fetcher.settings.schema import Metrics


class Port(msgspec.Struct, frozen=True):
    """Where one process listens; `setting` is the setting that names the port."""

    host: str
    port: int  # 0: none
    setting: str

    def refusal(self, error: OSError) -> FetcherError:
        """The error to raise where the port cannot be bound."""
        where = f"{self.setting}: {self.host}:{self.port}"
        if error.errno == errno.EADDRINUSE:
            return ConflictError(
                f"{where} is in use by another process; stop that, or choose another port"
            )
        section = self.setting.partition(".")[0]
        return UsageError(f"{where} cannot be listened on: {error.strerror}; see {section}.host")


def port_of(metrics: Metrics, role: str, number: int) -> Port:
    """The port of the `number`-th process (from 1) of a role on this host. Raises ConfigError.

    The first process has the port of the setting, each further one the next port.
    """
    setting = f"metrics.{role}_port"
    first: int = getattr(metrics, f"{role}_port")
    port = first + number - 1 if first else 0
    if port > 65_535:
        raise ConfigError(
            f"{setting} = {first}: {role} {number} of this host would need port {port}; "
            "choose a lower one"
        )
    return Port(metrics.host, port, setting)
