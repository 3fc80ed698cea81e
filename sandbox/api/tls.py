"""The sandbox's own certificate authority and the server's certificate.

``ca.pem`` is the authority; ``ca-bundle.pem`` holds it together with the system's roots, so that a process
given it as ``SSL_CERT_FILE`` trusts the sandbox and everything it trusted before.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.api.credentials import write_private

LIFETIME = timedelta(days=3650)
RENEW_BEFORE = timedelta(days=30)
_SKEW = timedelta(hours=1)


@dataclass(frozen=True)
class Certificates:
    """The files of one sandbox's TLS."""

    ca: Path
    bundle: Path
    server: Path
    server_key: Path


def certificates(directory: Path) -> Certificates:
    """Return the files in ``directory``, made anew where one is missing or about to expire."""
    files = Certificates(
        ca=directory / "ca.pem",
        bundle=directory / "ca-bundle.pem",
        server=directory / "server.pem",
        server_key=directory / "server.key",
    )
    if not _usable(files):
        _make(files)
    # The system's roots change with its packages: the bundle follows at every start.
    write_private(files.bundle, files.ca.read_bytes() + system_roots())
    return files


def system_roots() -> bytes:
    """Return the machine's root certificates in PEM, or nothing where it has none."""
    for candidate in (ssl.get_default_verify_paths().openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"):
        path = Path(candidate)
        if path.is_file():
            return path.read_bytes()
    return b""


def _usable(files: Certificates) -> bool:
    if not all(path.exists() for path in (files.ca, files.server, files.server_key)):
        return False
    server = x509.load_pem_x509_certificate(files.server.read_bytes())
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    fresh = server.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE
    return fresh and server.issuer == ca.subject


def _make(files: Certificates) -> None:
    """Make an authority, sign the server's certificate with it, and forget the authority's key."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"sandbox CA {x509.random_serial_number():x}"[:60])]
    )
    ca = (
        _builder(ca_name, ca_name, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox API")])
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")])
    server = (
        _builder(name, ca_name, key)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    write_private(
        files.server_key,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
    write_private(files.server, server.public_bytes(serialization.Encoding.PEM))
    write_private(files.ca, ca.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
