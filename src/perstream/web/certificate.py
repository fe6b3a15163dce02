"""The certificate of this machine for its LAN: self-signed, kept in the folder ``tls`` of the store.

ECDSA over P-256, for this machine's names and addresses; made anew when it does not cover them all any
more, or is about to run out.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from perstream.errors import BackendUnavailable, StoreError

if TYPE_CHECKING:
    from cryptography import x509

VALID = timedelta(days=820)
"""Browsers and telephones refuse server certificates that are good for more than 825 days."""
SLACK = timedelta(days=1)
"""Valid from so long before it was made: clocks differ."""
RENEW = timedelta(days=30)
"""Made anew so long before it runs out."""
PROBES = ("192.0.2.1", "10.255.255.254", "172.31.255.254", "192.168.255.254")
"""Which address of this machine would be used to speak to these tells its addresses; nothing is sent to them."""
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


@dataclass(frozen=True)
class Certificate:
    """Files in PEM, and who can compare what: ``fingerprint`` is the SHA-256 of the DER, as AA:BB:…"""

    certificate: Path
    key: Path
    fingerprint: str


def lan_addresses() -> tuple[str, ...]:
    """IPv4 addresses at which others may reach this machine, the likeliest first."""
    found: list[str] = []
    for probe in PROBES:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probing, contextlib.suppress(OSError):
            probing.connect((probe, 9))
            found.append(str(probing.getsockname()[0]))
    with contextlib.suppress(OSError):
        found += [str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    return tuple(dict.fromkeys(a for a in found if not ipaddress.ip_address(a).is_loopback and a != "0.0.0.0"))


def names_of_machine(addresses: Sequence[str]) -> tuple[str, ...]:
    """Every name and address a browser may use for this machine."""
    host = socket.gethostname()
    own = (host, f"{host.split('.')[0]}.local") if NAME.fullmatch(host) else ()
    return tuple(dict.fromkeys(("localhost", "127.0.0.1", *(name.lower() for name in own), *addresses)))


def ensure_certificate(store: Path, names: Sequence[str], now: datetime | None = None) -> Certificate:
    """The certificate of this store for ``names``. StoreError; BackendUnavailable without the package cryptography."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding
    except ImportError as error:
        raise BackendUnavailable(f"server.lan needs: pip install 'perstream[lan]' ({error.name} is missing)") from error
    now = now or datetime.now(timezone.utc)
    folder = store / "tls"
    public, private = folder / "certificate.pem", folder / "key.pem"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if not _good(public, private, names, now):
            _make(public, private, names, now)
        private.chmod(0o600)
        made = x509.load_pem_x509_certificate(public.read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot keep the certificate in {folder}: {error}") from error
    digest = hashlib.sha256(made.public_bytes(Encoding.DER)).hexdigest().upper()
    return Certificate(public, private, ":".join(digest[at : at + 2] for at in range(0, len(digest), 2)))


def _good(public: Path, private: Path, names: Sequence[str], now: datetime) -> bool:
    """Whether what is there can still be used."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        held = x509.load_pem_x509_certificate(public.read_bytes())
        key = load_pem_private_key(private.read_bytes(), None)
        alternatives = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    covered = {str(name.value) for name in alternatives}
    in_time = held.not_valid_before_utc <= now < held.not_valid_after_utc - RENEW
    return set(names) <= covered and in_time and held.public_key() == key.public_key()


def _make(public: Path, private: Path, names: Sequence[str], now: datetime) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PerStream on this machine")])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now - SLACK + VALID)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The key first: a certificate without its key is seen and made anew.
    for path, data in ((private, secret), (public, made.public_bytes(serialization.Encoding.PEM))):
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        draft.replace(path)


def _alternative(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
