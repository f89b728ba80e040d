"""Certificates for servers of ours on the loopback: an authority, and what it signs."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_PEM = serialization.Encoding.PEM


class Authority:
    """An unknown authority; `ca_file` (PEM) is for the clients that shall trust it."""

    def __init__(self, directory: Path, name: str = "test authority") -> None:
        self._directory = directory
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca_file = directory / f"{name.replace(' ', '-')}.pem"
        certificate = (
            _builder(self._name, self._name, self._key, days=1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file.write_bytes(certificate.public_bytes(_PEM))

    def issue(
        self, names: Sequence[str], *, days: int = 1, from_days: int = -30, by_itself: bool = False
    ) -> tuple[Path, Path]:
        """Files of a certificate for these hosts and addresses, and of its key.

        It is valid until so many days from now: a negative number gives one that has expired; with
        a positive `from_days`, it is not valid yet. `by_itself`: it is signed with its own key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = _name(names[0]) if by_itself else self._name
        certificate = (
            _builder(_name(names[0]), issuer, key, days=days, from_days=from_days)
            .add_extension(x509.SubjectAlternativeName([_host(n) for n in names]), critical=False)
            .sign(key if by_itself else self._key, hashes.SHA256())
        )
        stem = f"{names[0].strip('*.')}-{from_days}-{days}{'-itself' if by_itself else ''}"
        files = self._directory / f"{stem}.pem", self._directory / f"{stem}.key"
        files[0].write_bytes(certificate.public_bytes(_PEM))
        files[1].write_bytes(
            key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return files


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    days: int,
    from_days: int = -30,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + from_days * day)
        .not_valid_after(now + days * day)
    )
