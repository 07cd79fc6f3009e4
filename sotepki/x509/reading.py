"""Reading files that people hand over: PEM, DER, PKCS#7 bundles, or something else by mistake.

A private key given instead of a certificate is named as such and never shown, not even in part.
"""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import ocsp

from sotepki.errors import Refused
from sotepki.x509 import der
from sotepki.x509.null_parameters import not_read, without_null

T = TypeVar("T")

#: More than this is not a file of certificates that a person hands over.
MAX_INPUT = 16 * 1024 * 1024
#: Revocation lists of a whole authority; one of a million entries has some 40 MB.
MAX_LISTS = 256 * 1024 * 1024
MAX_BLOCKS = 10_000

_LABEL = re.compile(rb"([A-Z0-9 .#]{1,40})-----")
_PKCS7 = "1.2.840.113549.1.7.2"
_CERTIFICATE_LABELS = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_TRUSTED_LABEL = "TRUSTED CERTIFICATE"
_REQUEST_LABELS = frozenset({"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"})
_PKCS7_LABELS = frozenset({"PKCS7", "CMS", "PKCS #7 SIGNED DATA"})


@dataclass(frozen=True)
class Block:
    """One structure of a file: its PEM label (empty for DER) and its DER bytes."""

    label: str
    data: bytes


def read_certificates(data: bytes, *, name: str = "The file") -> list[x509.Certificate]:
    """All certificates of a PEM, DER or PKCS#7 file, in file order.

    Raises:
        Refused: it is empty, too long, holds a private key, another structure, or a certificate that cannot be read.
    """
    return [load_certificate(block, name=name) for block in certificate_blocks(data, name=name)]


def certificate_blocks(data: bytes, *, name: str = "The file") -> list[bytes]:
    """The DER bytes of all certificates of a file, read or not; see ``read_certificates``."""
    found: list[bytes] = []
    for block in _blocks(data, name, "cert"):
        if block.label in _PKCS7_LABELS or (not block.label and _is_pkcs7(block.data)):
            found += _bundle(block.data, name)
        elif block.label == _TRUSTED_LABEL:
            found.append(_first_element(block.data))
        elif block.label in _CERTIFICATE_LABELS or not block.label:
            found.append(block.data)
    if not found:
        raise Refused(
            f"{name} holds no certificate.",
            rule="cert.not-a-certificate",
            advice="Give a certificate in PEM or DER, or a PKCS#7 bundle.",
            subject=name,
        )
    return found


def load_certificate(data: bytes, *, name: str = "The file") -> x509.Certificate:
    """One certificate from its DER bytes.

    Raises:
        Refused: the bytes are something else; a certificate request, a revocation list and a key are named.
            ``cert.null-parameters``: it is one that ``lenient`` reads.
    """
    try:
        with warnings.catch_warnings():
            # Odd serial numbers and names are findings of the linter, not warnings on somebody's terminal.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            warnings.simplefilter("ignore", UserWarning)
            return x509.load_der_x509_certificate(data)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        bare = without_null(data)
        if bare != data:
            load_certificate(bare, name=name)
            raise not_read(name) from None
        kind = guess(data)
        if kind == "private key":
            raise private_key_given(name, "cert") from None
        what = f"is a {kind}, not a certificate" if kind else f"is not a certificate: {plain_reason(error)}"
        raise Refused(
            f"{name} {what}.",
            rule="cert.not-a-certificate",
            advice="Give a certificate in PEM or DER.",
            subject=name,
        ) from None


def read_crls(data: bytes, *, name: str = "The file", limit: int = MAX_INPUT) -> list[x509.CertificateRevocationList]:
    """All revocation lists of a PEM or DER file of at most ``limit`` bytes.

    Raises:
        Refused: it holds none, or one that cannot be read, or is too long.
    """
    return _load_all(data, name, ("X509 CRL", ""), "crl", "revocation list", x509.load_der_x509_crl, limit)


def read_ocsp_responses(data: bytes, *, name: str = "The file") -> list[ocsp.OCSPResponse]:
    """All OCSP responses of a DER (or PEM-wrapped) file; errors as ``read_crls``."""
    return _load_all(data, name, ("OCSP RESPONSE", ""), "ocsp", "OCSP response", ocsp.load_der_ocsp_response)


def request_block(data: bytes, *, name: str = "The file") -> bytes:
    """The DER bytes of the one certificate request of a file.

    Raises:
        Refused: there is none or several, or a private key stands there.
    """
    found = [block.data for block in _blocks(data, name, "csr") if block.label in _REQUEST_LABELS or not block.label]
    if len(found) == 1:
        return found[0]
    what = "no certificate request" if not found else f"{len(found)} certificate requests; send one at a time"
    raise Refused(
        f"{name} holds {what}.",
        rule="csr.not-a-csr",
        advice="Make one with 'openssl req -new' and send the file that begins with BEGIN CERTIFICATE REQUEST.",
        subject=name,
    )


def private_key_given(name: str, area: str) -> Refused:
    """The refusal of a private key; ``area`` is ``cert``, ``csr``, ``crl`` or ``ocsp``."""
    return Refused(
        f"{name} holds a private key.",
        rule="csr.private-key" if area == "csr" else "cert.private-key",
        advice="Never send a private key to anybody. Make a new key pair if this file has left your machine.",
        subject=name,
    )


def guess(data: bytes) -> str:
    """What DER bytes seem to be, in words (``private key``, ``certificate request`` ...), or the empty string."""
    try:
        return _guessed(der.parse(data).expect(der.Tag.SEQUENCE).children())
    except (der.DerError, IndexError):
        return ""


def _guessed(parts: Sequence[der.Element]) -> str:
    tags = [part.tag for part in parts[:4]]
    if _is_private_key(parts, tags):
        return "private key"
    if tags == [der.Tag.SEQUENCE, der.Tag.BIT_STRING]:
        return "public key"
    if tags[0] == der.Tag.INTEGER and parts[0].content == b"\3":
        return "PKCS#12 file, which holds a private key"
    if tags == [der.Tag.SEQUENCE, der.Tag.SEQUENCE, der.Tag.BIT_STRING]:
        inner = [part.tag for part in parts[0].children()]
        if inner[:3] == [der.Tag.INTEGER, der.Tag.SEQUENCE, der.Tag.SEQUENCE] and inner[3:] == [0xA0]:
            return "certificate request"
        if der.Tag.UTC_TIME in inner:
            return "revocation list"
    return ""


def _is_private_key(parts: Sequence[der.Element], tags: list[int]) -> bool:
    pkcs8 = tags[:2] == [der.Tag.INTEGER, der.Tag.SEQUENCE] and len(parts) >= 3 and parts[0].content in (b"\0", b"\1")
    encrypted_pkcs8 = tags == [der.Tag.SEQUENCE, der.Tag.OCTET_STRING]
    rsa = tags[:3] == [der.Tag.INTEGER] * 3 and len(parts) >= 6  # RFC 8017 A.1.2
    ec = tags[:2] == [der.Tag.INTEGER, der.Tag.OCTET_STRING]  # RFC 5915 3
    return pkcs8 or encrypted_pkcs8 or rsa or ec


def _blocks(data: bytes, name: str, area: str, limit: int = MAX_INPUT) -> list[Block]:
    rule = {"csr": "csr.not-a-csr", "crl": "crl.not-a-crl", "ocsp": "ocsp.response.form"}.get(
        area, "cert.not-a-certificate"
    )
    if not data.strip():
        raise Refused(f"{name} is empty.", rule=rule, advice="Check that the file was written.", subject=name)
    if len(data) > limit:
        raise Refused(f"{name} is longer than {limit >> 20} MiB.", rule=rule, subject=name)
    if b"-----BEGIN" not in data:
        if guess(data) == "private key":
            raise private_key_given(name, area)
        return [Block("", data)]
    if re.search(rb"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----", data):
        raise private_key_given(name, area)
    return list(_pem_blocks(data, name, rule))


def _pem_blocks(data: bytes, name: str, rule: str) -> Iterator[Block]:
    """Divide PEM text in one pass: whatever the bytes, the work grows with their length only."""
    position, count = 0, 0
    while (start := data.find(b"-----BEGIN ", position)) >= 0:
        head = _LABEL.match(data, start + 11)
        end = data.find(b"-----END ", start)
        tail = _LABEL.match(data, end + 9) if end >= 0 else None
        if head is None or tail is None or head.end() > end:
            advice = "Fetch or copy the file again; it may have been cut short."
            raise Refused(f"{name} has a PEM block that does not end.", rule=rule, advice=advice, subject=name)
        label, closing = head[1].decode("ascii"), tail[1].decode("ascii")
        if label != closing:
            raise Refused(
                f"{name} has a PEM block that begins as {label} and ends as {closing}.", rule=rule, subject=name
            )
        try:
            yield Block(label, base64.b64decode(b"".join(data[head.end() : end].split()), validate=True))
        except binascii.Error:
            raise Refused(f"{name} has a PEM block {label} that is not base64.", rule=rule, subject=name) from None
        position, count = tail.end(), count + 1
        if count > MAX_BLOCKS:
            raise Refused(f"{name} has more than {MAX_BLOCKS} PEM blocks.", rule=rule, subject=name)


def _load_all(
    data: bytes,
    name: str,
    labels: tuple[str, ...],
    area: str,
    word: str,
    load: Callable[[bytes], T],
    limit: int = MAX_INPUT,
) -> list[T]:
    rule = "crl.not-a-crl" if area == "crl" else "ocsp.response.form"
    try:
        found = [load(block.data) for block in _blocks(data, name, area, limit) if block.label in labels]
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise Refused(f"{name} is not a {word}: {plain_reason(error)}.", rule=rule, subject=name) from None
    if not found:
        raise Refused(f"{name} holds no {word}.", rule=rule, subject=name)
    return found


def _first_element(data: bytes) -> bytes:
    """The certificate of ``openssl x509 -trustout``, without OpenSSL's own notes on trust that follow it."""
    try:
        return next(der.elements(data)).raw
    except (der.DerError, StopIteration):
        return data  # the reader of certificates says what is wrong with it


def _is_pkcs7(data: bytes) -> bool:
    try:
        parts = der.parse(data).children()
        return bool(parts) and parts[0].tag == der.Tag.OID and der.read_oid(parts[0]) == _PKCS7
    except der.DerError:
        return False


def _bundle(data: bytes, name: str) -> list[bytes]:
    try:
        return _bundled(data)
    except der.DerError:
        pass  # perhaps BER, which pyca reads
    try:
        certificates = pkcs7.load_der_pkcs7_certificates(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(
            f"{name} is a PKCS#7 bundle that cannot be read: {plain_reason(error)}.",
            rule="cert.not-a-certificate",
            subject=name,
        ) from None
    return [certificate.public_bytes(Encoding.DER) for certificate in certificates]


def _bundled(data: bytes) -> list[bytes]:
    """The certificates of a PKCS#7 SignedData as they stand, also those that pyca cannot read (RFC 2315 9.1)."""
    parts = der.parse(data).expect(der.Tag.SEQUENCE).children()
    if len(parts) < 2:
        raise der.DerError("a PKCS#7 bundle has no content")
    wrapped = parts[1].expect(0xA0)
    signed = der.parse(wrapped.content).expect(der.Tag.SEQUENCE).children()
    return [member.raw for part in signed if part.tag == 0xA0 for member in part.children()]


def plain_reason(error: Exception) -> str:
    """Why a library refused some bytes, in one short line; its parser's inner words are no help to a person."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if "ParseError" in text or "asn1" in text.lower():
        return "the bytes do not have the structure of one"
    return text[:160]
