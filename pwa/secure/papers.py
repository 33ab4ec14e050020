"""The node's key and certificate as files. The key is made here and never leaves this folder.

`node.pem` holds key and chain together, so that a renewal replaces both in one rename: a box that loses
its power in between has the old pair or the new one, never half of each.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.files import put_whole
from sync.rules.certificates import Life


class NotOurs(Exception):
    """What came down is no certificate for the key that was made here."""


@dataclass(frozen=True)
class Paper:
    """A certificate, as pages and the doctor tell of it."""

    names: tuple[str, ...]
    life: Life
    fingerprint: str
    """SHA-256 of the certificate, in hex."""
    own: bool
    """Brought by the store's people; renewing it is their business."""


def wanted_names(told: Sequence[str], host: str, centre_url: str) -> list[str]:
    """What PDAs may call this node beside the name that the centre gives: what people said, or the
    addresses that can be seen from here."""
    found = list(dict.fromkeys(one.strip().lower() for one in told if one.strip()))
    if not found:
        anywhere = host in ("", "0.0.0.0", "::")
        found = [] if not anywhere and _is_loopback(host) else [_towards(centre_url) if anywhere else host]
    return [*dict.fromkeys(one for one in found if one), "localhost", "127.0.0.1", "::1"]


def _towards(centre_url: str) -> str:
    """The address that this machine uses on its network. No packet is sent."""
    parts = urlsplit(centre_url)
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.connect((parts.hostname or "192.0.2.1", parts.port or 443))
        found = str(one.getsockname()[0])
        return "" if _is_loopback(found) else found
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def new_request(store: str, names: Sequence[str]) -> tuple[ec.EllipticCurvePrivateKey, str]:
    """A fresh key, and the request for it (PKCS#10 in base 64)."""
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = []
    for one in names:
        try:
            alternatives.append(x509.IPAddress(ipaddress.ip_address(one)))
        except ValueError:
            if one.isascii():
                alternatives.append(x509.DNSName(one))
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, store[:64])]))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, base64.b64encode(csr.public_bytes(serialization.Encoding.DER)).decode()


def install(
    folder: Path, key: ec.EllipticCurvePrivateKey, chain: str, root: str, wanted: Sequence[str]
) -> None:
    """Keep what the centre signed, after a look at it. NotOurs if it does not fit."""
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        anchor = x509.load_pem_x509_certificate(root.encode())
        leaf.verify_directly_issued_by(anchor)
    except (ValueError, TypeError, IndexError, InvalidSignature) as trouble:
        raise NotOurs(str(trouble)) from trouble
    if leaf.public_key() != key.public_key():
        raise NotOurs("a certificate for another key")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    put_whole(folder / "root.pem", root.encode(), 0o644)
    put_whole(folder / "asked", "\n".join(wanted).encode(), 0o644)
    put_whole(folder / "node.pem", pem + chain.encode(), 0o600)


def asked(folder: Path) -> list[str]:
    """The names that the present certificate was asked with."""
    path = folder / "asked"
    return path.read_text().splitlines() if path.exists() else []


def read_paper(pem: bytes, *, own: bool) -> Paper:
    """The first certificate in `pem`. ValueError when there is none."""
    found = x509.load_pem_x509_certificates(pem)[0]
    names: tuple[str, ...] = ()
    with contextlib.suppress(x509.ExtensionNotFound):
        said = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = said.get_values_for_type(x509.IPAddress)
        names = (*said.get_values_for_type(x509.DNSName), *(str(one) for one in addresses))
    begins = int(found.not_valid_before_utc.timestamp() * 1000)
    ends = int(found.not_valid_after_utc.timestamp() * 1000)
    return Paper(names, Life(begins, ends), found.fingerprint(hashes.SHA256()).hex(), own)


def root_of(folder: Path) -> tuple[bytes, str] | None:
    """The root for PDAs: DER, and its SHA-256 fingerprint as people compare it."""
    path = folder / "root.pem"
    if not path.exists():
        return None
    root = x509.load_pem_x509_certificate(path.read_bytes())
    return root.public_bytes(serialization.Encoding.DER), root.fingerprint(hashes.SHA256()).hex(":").upper()


def new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
