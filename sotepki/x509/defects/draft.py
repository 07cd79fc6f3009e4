"""A certificate taken apart, so that one thing in it can be made wrong and the whole signed again.

pyca refuses to build most defects; here every part is encoded bytes, and nothing is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.errors import Fault
from sotepki.x509 import der
from sotepki.x509.keys import PrivateKey
from sotepki.x509.profile_values import EXTENSIONS

ALGORITHMS: dict[str, tuple[bytes, type[hashes.HashAlgorithm]]] = {
    "sha512-rsa": (der.sequence(der.oid("1.2.840.113549.1.1.13"), der.NULL), hashes.SHA512),
    "sha256-rsa": (der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL), hashes.SHA256),
    "sha1-rsa": (der.sequence(der.oid("1.2.840.113549.1.1.5"), der.NULL), hashes.SHA1),
    "md5-rsa": (der.sequence(der.oid("1.2.840.113549.1.1.4"), der.NULL), hashes.MD5),
    "sha384-ec": (der.sequence(der.oid("1.2.840.10045.4.3.3")), hashes.SHA384),
    "sha384-ec-null": (der.sequence(der.oid("1.2.840.10045.4.3.3"), der.NULL), hashes.SHA384),
}
"""Algorithm identifiers with their hashes; all RSA signatures are of PKCS#1 v1.5."""


@dataclass(frozen=True)
class Extension:
    """An extension as bytes; ``oid`` is dotted. ``critical_octets`` overrides how the flag is written."""

    oid: str
    critical: bool
    value: bytes
    critical_octets: bytes | None = None

    def encode(self) -> bytes:
        """The Extension; a flag that equals its default is left out unless it is overridden."""
        flag = der.tlv(der.Tag.BOOLEAN, b"\xff") if self.critical else b""
        if self.critical_octets is not None:
            flag = self.critical_octets
        return der.sequence(der.oid(self.oid), flag, der.octet_string(self.value))


@dataclass(frozen=True)
class Draft:
    """The parts of a certificate, each as its encoded bytes, and how it is to be signed.

    ``algorithm`` and ``outer`` are names of ``ALGORITHMS`` (``outer`` empty: the same); ``spoil`` changes one bit of
    the signature; ``after`` is put behind the end.
    """

    version: bytes
    serial: bytes
    issuer: bytes
    not_before: bytes
    not_after: bytes
    subject: bytes
    public_key: bytes
    extensions: tuple[Extension, ...]
    algorithm: str = "sha512-rsa"
    outer: str = ""
    unique_ids: bytes = b""
    spoil: bool = False
    after: bytes = b""

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Draft:
        """The draft of a version 3 certificate that was signed with RSA and SHA-512."""
        parts = der.parse(certificate.tbs_certificate_bytes).children()
        start, end = (part.raw for part in der.parse(parts[4].raw).children())
        return cls(
            version=parts[0].raw,
            serial=parts[1].raw,
            issuer=parts[3].raw,
            not_before=start,
            not_after=end,
            subject=parts[5].raw,
            public_key=parts[6].raw,
            extensions=tuple(_extension(element) for element in der.parse(parts[7].content).children()),
        )

    def to_sign(self) -> bytes:
        """The TBSCertificate."""
        parts = [
            self.version,
            self.serial,
            ALGORITHMS[self.algorithm][0],
            self.issuer,
            der.sequence(self.not_before, self.not_after),
            self.subject,
            self.public_key,
            self.unique_ids,
        ]
        if self.extensions:
            parts.append(der.explicit(3, der.sequence(*(extension.encode() for extension in self.extensions))))
        return der.sequence(*parts)

    def signed(self, key: PrivateKey) -> bytes:
        """The certificate, signed whatever it says."""
        data = self.to_sign()
        signature = sign_raw(key, data, self.algorithm)
        if self.spoil:
            signature = signature[:-1] + bytes((signature[-1] ^ 1,))
        outer = ALGORITHMS[self.outer or self.algorithm][0]
        return der.sequence(data, outer, der.bit_string(signature)) + self.after

    # ---------------------------------------------------------------------------------------------- extensions

    def extension(self, name: str) -> Extension:
        """The extension with a short name.

        Raises:
            Fault: the certificate that the defect starts from does not have it.
        """
        for extension in self.extensions:
            if extension.oid == EXTENSIONS.get(name, name):
                return extension
        raise Fault(f"The certificate to be spoilt has no extension {name}.")

    def without(self, name: str) -> Draft:
        """The draft without an extension."""
        gone = self.extension(name)
        return replace(self, extensions=tuple(one for one in self.extensions if one is not gone))

    def changed(self, name: str, *, value: bytes | None = None, critical: bool | None = None) -> Draft:
        """The draft with another value or criticality of an extension that it has."""
        old = self.extension(name)
        new = replace(
            old,
            value=old.value if value is None else value,
            critical=old.critical if critical is None else critical,
        )
        return self.with_extensions(tuple(new if one is old else one for one in self.extensions))

    def added(self, name: str, value: bytes, *, critical: bool = False) -> Draft:
        """The draft with one more extension at its end; ``name`` is a short name or a dotted identifier."""
        extension = Extension(EXTENSIONS.get(name, name), critical, value)
        return self.with_extensions((*self.extensions, extension))

    def with_extensions(self, extensions: Sequence[Extension]) -> Draft:
        """The draft with these extensions and no others."""
        return replace(self, extensions=tuple(extensions))


def sign_raw(key: PrivateKey, data: bytes, algorithm: str) -> bytes:
    """A signature over ``data`` by a name of ``ALGORITHMS``; what pyca refuses is padded here."""
    digest = ALGORITHMS[algorithm][1]()
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(data, ec.ECDSA(digest))
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), digest)
    raise Fault("A defect is signed with an RSA or an EC key.")


def time_bytes(moment: datetime, *, generalized: bool | None = None) -> bytes:
    """A time as RFC 5280 4.1.2.5 writes it, or in the type that is asked for."""
    moment = moment.astimezone(UTC)
    if generalized if generalized is not None else moment.year >= 2050:
        return der.generalized_time(moment)
    return der.tlv(der.Tag.UTC_TIME, moment.strftime("%y%m%d%H%M%SZ").encode("ascii"))


def der_of(certificate: x509.Certificate) -> bytes:
    """The DER bytes of a certificate."""
    return certificate.public_bytes(Encoding.DER)


def _extension(element: der.Element) -> Extension:
    parts = element.children()
    critical = len(parts) == 3 and parts[1].content != b"\0"
    return Extension(der.read_oid(parts[0]), critical, parts[-1].content)
