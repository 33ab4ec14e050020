"""The authority itself: a root with constraints, kept beside the database, that signs store nodes' keys.

Its key is on the centre's machine, because renewals have to go on by themselves. What bounds the harm
if it is ever taken is the root: name constraints (the installation's zone, private addresses), server
authentication only, and no authority below it. PDAs that trust it trust it for nothing else.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from server.certificates.names import HERE, RANGES, ZONES, Network, granted
from sync.files import put_whole
from sync.ids import Dice
from sync.rules.certificates import DAY_MS, MOST_DAYS

ROOT_DAYS = 3_650
EARLIER_MS = 3_600_000
"""Certificates begin an hour ago: a handheld whose clock is behind must open them too."""
MOST_REQUEST_BYTES = 8 * 1024
PASSPHRASE = "YIPAN_CA_PASSPHRASE"


class CannotIssue(Exception):
    """Why there is no certificate: a code for the node and a sentence for a person."""

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True)
class Issued:
    chain: str
    """PEM, without the root."""
    root: str
    names: tuple[str, ...]
    serial: str
    begins: int
    ends: int


@dataclass(frozen=True)
class Authority:
    folder: Path
    root: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def root_pem(self) -> str:
        return self.root.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def fingerprint(self) -> str:
        return self.root.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def ends(self) -> int:
        return _ms(self.root.not_valid_after_utc)

    def permitted(self) -> tuple[list[str], list[Network]]:
        """Zones and ranges, as the root itself says them: there is no second place that could differ."""
        found = self.root.extensions.get_extension_for_class(x509.NameConstraints).value
        trees = found.permitted_subtrees or []
        names = [one.value for one in trees if isinstance(one, x509.DNSName) and one.value != HERE]
        nets = [one.value for one in trees if isinstance(one, x509.IPAddress)]
        return names, [net for net in nets if isinstance(net, ipaddress.IPv4Network | ipaddress.IPv6Network)]

    def issue(
        self,
        request: bytes,
        *,
        store: str,
        now: int,
        dice: Dice,
        days: int = MOST_DAYS,
        names: Iterable[str] = (),
    ) -> Issued:
        """A certificate for the key in `request` (PKCS#10, DER), with the names this store may have."""
        csr = _read(request)
        zones, ranges = self.permitted()
        dns, addresses = granted(
            (*names, *_asked(csr)), store=store, zones=zones, ranges=ranges, written=self.written(store)
        )
        begins = now - EARLIER_MS
        ends = min(begins + min(days, MOST_DAYS) * DAY_MS, self.ends)
        if ends <= now:
            raise CannotIssue(
                "authority_expired", "The authority's own certificate has ended. Make a new one."
            )
        alternatives = [*(x509.DNSName(one) for one in dns), *(x509.IPAddress(one) for one in addresses)]
        key = csr.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
        leaf = (
            x509.CertificateBuilder()
            .subject_name(_name(store))
            .issuer_name(self.root.subject)
            .public_key(key)
            .serial_number(_serial(dice))
            .not_valid_before(_at(begins))
            .not_valid_after(_at(ends))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .sign(self.key, hashes.SHA256())
        )
        issued = Issued(
            leaf.public_bytes(serialization.Encoding.PEM).decode(),
            self.root_pem,
            (*dns, *(str(one) for one in addresses)),
            f"{leaf.serial_number:x}",
            begins,
            ends,
        )
        self._write_down(store, issued, now)
        return issued

    # -- what people wrote, and what was issued ----------------------------------------------------

    def written(self, store: str) -> list[str]:
        """Further names that a person allowed this store."""
        path = self.folder / "names.json"
        found = json.loads(path.read_text()) if path.exists() else {}
        return [str(one) for one in found.get(store, [])]

    def write_names(self, store: str, names: Sequence[str]) -> None:
        path = self.folder / "names.json"
        found = json.loads(path.read_text()) if path.exists() else {}
        found[store] = list(names)
        put_whole(path, json.dumps(found, ensure_ascii=False, indent=1).encode(), 0o600)

    def _write_down(self, store: str, issued: Issued, now: int) -> None:
        line = {
            "at": now, "store": store, "serial": issued.serial, "names": issued.names,
            "begins": issued.begins, "ends": issued.ends,
        }  # fmt: skip
        with (self.folder / "issued.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def newest(self) -> dict[str, dict[str, object]]:
        """The last certificate of each store."""
        path = self.folder / "issued.jsonl"
        found: dict[str, dict[str, object]] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            try:
                one = json.loads(line)
                found[one["store"]] = one
            except (ValueError, KeyError):
                continue  # the last line of a machine that lost its power
        return found


def create(
    folder: Path,
    *,
    now: int,
    dice: Dice,
    name: str = "yipan",
    zones: Sequence[str] = ZONES,
    ranges: Sequence[str] = RANGES,
    days: int = ROOT_DAYS,
) -> Authority:
    """Make key and root. The key never leaves `folder`; with YIPAN_CA_PASSPHRASE it lies there encrypted."""
    key = ec.generate_private_key(ec.SECP256R1())
    trees: list[x509.GeneralName] = [x509.DNSName(zone) for zone in (*zones, HERE)]
    trees += [x509.IPAddress(ipaddress.ip_network(net)) for net in ranges]
    subject = _name(f"{name} store authority")
    root = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(_serial(dice))
        .not_valid_before(_at(now - EARLIER_MS))
        .not_valid_after(_at(now + days * DAY_MS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.NameConstraints(permitted_subtrees=trees, excluded_subtrees=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    secret = os.environ.get(PASSPHRASE, "").encode()
    hidden = serialization.BestAvailableEncryption(secret) if secret else serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    put_whole(folder / "key.pem", pem, 0o600)
    put_whole(folder / "root.pem", root.public_bytes(serialization.Encoding.PEM), 0o644)
    return Authority(folder, root, key)


def load(folder: Path) -> Authority | None:
    """The authority in `folder`; None when none was made. CannotIssue when its key cannot be read."""
    if not (folder / "root.pem").exists():
        return None
    secret = os.environ.get(PASSPHRASE, "").encode()
    pem = (folder / "key.pem").read_bytes()
    try:
        key = serialization.load_pem_private_key(pem, secret or None)
    except TypeError:
        if b"ENCRYPTED" in pem:
            raise CannotIssue(
                "authority_locked", f"The authority's key is encrypted: set {PASSPHRASE}."
            ) from None
        key = serialization.load_pem_private_key(pem, None)  # a passphrase that this key does not need
    except ValueError as trouble:
        raise CannotIssue("authority_locked", f"The authority's key cannot be read: {trouble}") from trouble
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(folder, x509.load_pem_x509_certificate((folder / "root.pem").read_bytes()), key)


def _read(request: bytes) -> x509.CertificateSigningRequest:
    if len(request) > MOST_REQUEST_BYTES:
        raise CannotIssue("request", "The request is too long.")
    try:
        csr = x509.load_der_x509_csr(request)
        sound = csr.is_signature_valid
        key = csr.public_key()
    except (ValueError, InvalidSignature, UnsupportedAlgorithm) as trouble:
        raise CannotIssue("request", f"The request cannot be read: {trouble}") from trouble
    strong = (isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= 256) or (
        isinstance(key, rsa.RSAPublicKey) and 2_048 <= key.key_size <= 8_192
    )
    if not sound or not strong:
        raise CannotIssue("request", "The request is not signed by its key, or the key is too weak.")
    return csr


def _asked(csr: x509.CertificateSigningRequest) -> list[str]:
    try:
        found = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))][
        :50
    ]


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _serial(dice: Dice) -> int:
    return (int.from_bytes(dice(20), "big") >> 1) or 1


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)


def _ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def der_base64(certificate: x509.Certificate) -> str:
    """As Chrome's policies want a certificate."""
    return base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
