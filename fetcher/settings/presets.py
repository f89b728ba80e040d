"""Groups of settings that one command-line option sets together."""

from __future__ import annotations

from typing import Final

OWN_NETWORKS: Final = (
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
)
# Set by `--own-servers`; `make conf` writes them to conf/own-servers.toml.
OWN_SERVERS: Final[dict[str, str | int | float | bool | list[str | int | float | bool | None]]] = {
    "polite.enabled": False,
    "guard.allow": list(OWN_NETWORKS),
    "retry.attempts": 1,
}
