"""The certificate authority: what its certificates are good for is judged by real handshakes."""

from __future__ import annotations

import base64
import random
import socket
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from server.certificates.authority import Authority, CannotIssue, create, load
from server.certificates.counter import Counter
from server.certificates.names import granted, own_name
from server.cli import yipan
from server.config import wall_clock
from server.shell.say import Stop
from sync.rules.certificates import DAY_MS, Life

DICE = random.Random(5).randbytes


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create(tmp_path_factory.mktemp("centre") / "ca", now=wall_clock(), dice=DICE)


def request_for(names: Sequence[str] = (), key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    import ipaddress

    alternatives: list[x509.GeneralName] = []
    for one in names:
        try:
            alternatives.append(x509.IPAddress(ipaddress.ip_address(one)))
        except ValueError:
            alternatives.append(x509.DNSName(one))
    made = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "box")])
    )
    if alternatives:
        made = made.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    key = key or ec.generate_private_key(ec.SECP256R1())
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def handshake(folder: Path, chain: str, key: str, root: str, name: str) -> str:
    """What a client that trusts `root` says to a server with this certificate: empty if it is content."""
    (folder / "node.pem").write_text(key + chain)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "node.pem")
    here, there = socket.socketpair()

    def serve() -> None:
        try:
            server.wrap_socket(there, server_side=True).close()
        except OSError:
            there.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with ssl.create_default_context(cadata=root).wrap_socket(here, server_hostname=name):
            return ""
    except ssl.SSLCertVerificationError as refused:
        return refused.verify_message
    finally:
        thread.join(10)


def test_a_client_that_trusts_the_root_opens_the_store_by_its_name_and_by_its_address(
    authority: Authority, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issued = authority.issue(
        request_for(["192.168.7.20", "localhost"], key), store="S001", now=wall_clock(), dice=DICE
    )
    for name in ("s001.yipan.internal", "192.168.7.20", "localhost"):
        assert handshake(tmp_path, issued.chain, pem(key), issued.root, name) == ""
    assert "mismatch" in handshake(tmp_path, issued.chain, pem(key), issued.root, "s002.yipan.internal")


@pytest.mark.parametrize("name", ["bank.example.com", "8.8.8.8", "yipan.internal.example.com"])
def test_the_root_is_trusted_for_no_foreign_name_even_with_its_key_in_foreign_hands(
    authority: Authority, tmp_path: Path, name: str
) -> None:
    """Signed past every check of ours, with the authority's own key: the client's library refuses it."""
    import datetime
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    alternative: x509.GeneralName = x509.DNSName(name)
    if name[0].isdigit():
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    now = datetime.datetime.now(datetime.UTC)
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(authority.root.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=True)
        .sign(authority.key, hashes.SHA256())
    )
    chain = forged.public_bytes(serialization.Encoding.PEM).decode()
    assert "permitted subtree violation" in handshake(tmp_path, chain, pem(key), authority.root_pem, name)


def test_a_certificate_that_has_ended_is_refused(authority: Authority, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    long_ago = wall_clock() - 100 * DAY_MS
    issued = authority.issue(request_for([], key), store="S001", now=long_ago, dice=DICE)
    said = handshake(tmp_path, issued.chain, pem(key), issued.root, "s001.yipan.internal")
    assert "expired" in said


def test_a_certificate_lives_ninety_days_at_most_and_no_longer_than_the_root(authority: Authority) -> None:
    now = wall_clock()
    issued = authority.issue(request_for(), store="S001", now=now, dice=DICE, days=3_000)
    assert issued.ends - issued.begins == 90 * DAY_MS
    late = authority.issue(request_for(), store="S001", now=authority.ends - 5 * DAY_MS, dice=DICE)
    assert late.ends == authority.ends
    with pytest.raises(CannotIssue):
        authority.issue(request_for(), store="S001", now=authority.ends + DAY_MS, dice=DICE)


def test_a_store_gets_its_own_name_and_nobody_elses(authority: Authority) -> None:
    zones, ranges = authority.permitted()
    names, addresses = granted(
        [
            "s002.yipan.internal", "pda.s001.yipan.internal", "*.yipan.internal", "bank.example.com",
            "8.8.8.8", "10.1.2.3", "fd00::7", "xs001.yipan.internal", "S001.YIPAN.INTERNAL.",
        ],
        store="S001", zones=zones, ranges=ranges,
    )  # fmt: skip
    assert names == ["s001.yipan.internal", "pda.s001.yipan.internal"]
    assert [str(one) for one in addresses] == ["10.1.2.3", "fd00::7"]


def test_a_name_that_a_person_wrote_down_for_a_store_is_given_to_it_alone(authority: Authority) -> None:
    authority.write_names("S003", ["flagship.yipan.internal"])
    mine = authority.issue(
        request_for(["flagship.yipan.internal"]), store="S003", now=wall_clock(), dice=DICE
    )
    other = authority.issue(
        request_for(["flagship.yipan.internal"]), store="S004", now=wall_clock(), dice=DICE
    )
    assert "flagship.yipan.internal" in mine.names
    assert "flagship.yipan.internal" not in other.names


def test_codes_that_are_no_dns_labels_get_names_that_differ() -> None:
    found = {
        own_name(code, "yipan.internal") for code in ("A_1", "A-1", "A 1", "上海一店", "S001", "北京一店")
    }
    assert len(found) == 6
    assert all(name.isascii() and name.endswith(".yipan.internal") for name in found)


def test_the_key_is_readable_by_its_owner_alone_and_may_lie_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YIPAN_CA_PASSPHRASE", "horse battery")
    create(tmp_path / "ca", now=wall_clock(), dice=DICE)
    assert (tmp_path / "ca" / "key.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "ca").stat().st_mode & 0o777 == 0o700
    assert b"ENCRYPTED" in (tmp_path / "ca" / "key.pem").read_bytes()
    assert load(tmp_path / "ca") is not None
    monkeypatch.delenv("YIPAN_CA_PASSPHRASE")
    with pytest.raises(CannotIssue, match="YIPAN_CA_PASSPHRASE"):
        load(tmp_path / "ca")


def test_the_counter_says_why_there_is_no_certificate(tmp_path: Path) -> None:
    now = wall_clock()
    counter = Counter(tmp_path / "ca", DICE)
    good = base64.b64encode(request_for()).decode()
    assert counter.certify("S001", good, now)[2] == "no_authority"
    create(tmp_path / "ca", now=now, dice=DICE)
    assert counter.certify("S001", "?!", now)[2] == "request"
    assert counter.certify("S002", base64.b64encode(b"nonsense").decode(), now)[2] == "request"
    chain, root, why = counter.certify("S003", good, now)
    assert chain.startswith("-----BEGIN")
    assert (root.count("BEGIN"), why) == (1, "")
    assert counter.certify("S003", good, now + 1)[2] == "too_soon"
    assert counter.certify("S003", good, now + 5_000)[2] == ""


@pytest.mark.parametrize(
    ("passed", "state"),
    [(0.33, "fresh"), (0.34, "due"), (0.49, "due"), (0.5, "late"), (0.99, "late"), (1, "expired")],
)  # fmt: skip
def test_a_certificate_is_renewed_after_a_third_of_its_life_and_worth_a_word_after_half(
    passed: float, state: str
) -> None:
    life = Life(1_000 * DAY_MS, 1_090 * DAY_MS)
    assert life.state(life.begins + int(passed * 90 * DAY_MS)) == state


# -- the command line -------------------------------------------------------------------------------


def ran(folder: Path, *words: str) -> str:
    found = CliRunner().invoke(yipan, ["--data", str(folder), "ca", *words], standalone_mode=False)
    if found.exception:
        raise found.exception
    return found.output


def test_the_command_line_makes_an_authority_once_and_signs_a_request_by_hand(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="ca create"):
        ran(tmp_path, "show")
    ran(tmp_path, "create", "--zone", "stores.example.com", "--addresses", "10.9.0.0/16")
    with pytest.raises(Stop, match="already"):
        ran(tmp_path, "create")
    csr = x509.load_der_x509_csr(request_for(["10.9.1.1", "192.168.1.1"]))
    (tmp_path / "box.csr").write_bytes(csr.public_bytes(serialization.Encoding.PEM))
    ran(tmp_path, "issue", "S001", "--csr", str(tmp_path / "box.csr"), "--out", str(tmp_path / "box.pem"))
    leaf = x509.load_pem_x509_certificate((tmp_path / "box.pem").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["s001.stores.example.com"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["10.9.1.1"]
    assert "S001: fresh" in ran(tmp_path, "show")
    with pytest.raises(Stop, match="permits no"):
        ran(tmp_path, "names", "S001", "shop.example.org")
    policy = ran(tmp_path, "export", "--as", "policy")
    root = x509.load_pem_x509_certificate(ran(tmp_path, "export").encode())
    assert base64.b64encode(root.public_bytes(serialization.Encoding.DER)).decode() in policy


def test_the_centres_doctor_names_stores_whose_certificate_should_have_been_renewed(tmp_path: Path) -> None:
    from server.shell.look import look_at_authority

    assert look_at_authority(tmp_path, {"S001", "S002"}, wall_clock()) == []
    now = wall_clock()
    authority = create(tmp_path / "ca", now=now - 60 * DAY_MS, dice=DICE)
    authority.issue(request_for(), store="S001", now=now - 50 * DAY_MS, dice=DICE)
    authority.issue(request_for(), store="S002", now=now - 10 * DAY_MS, dice=DICE)
    authority.issue(request_for(), store="GONE", now=now - 55 * DAY_MS, dice=DICE)
    found = look_at_authority(tmp_path, {"S001", "S002"}, now)[0]
    assert not found["ok"]
    assert found["found"].endswith("1 stores not renewed: S001")
    authority.issue(request_for(), store="S001", now=now, dice=DICE)
    assert look_at_authority(tmp_path, {"S001", "S002"}, now)[0]["ok"]
