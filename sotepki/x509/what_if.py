"""What a change of a profile would cost: certificates with another algorithm, lifetime or extension, really made.

Sizes are those of certificates that were built and signed, times those of signatures that were computed here. The
certificates are thrown away: an overlay is outside the profile, so it is never issued.
"""

from __future__ import annotations

import functools
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sotepki.errors import Misuse
from sotepki.x509 import der
from sotepki.x509.extensions import (
    AlternativeNames,
    alternative_names,
    constant_extensions,
    extended_key_usage_of,
    key_usage,
)
from sotepki.x509.names import name_attribute
from sotepki.x509.profile_values import ExtendedKeyUsageValue, KeyValue, NamesValue, Presence, ValidityValue
from sotepki.x509.profiles import Profile, ProfileKind, find_profile, load_profiles
from sotepki.x509.serials import person_serial
from sotepki.x509.validity import latest_end

_NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
_MESSAGE = b"what would be signed" * 10
_EXAMPLE_OID = "1.2.246.517.99.99.1"


class Algorithm(StrEnum):
    """Key and signature algorithms to try; ML-DSA (FIPS 204) where the installed cryptography has it."""

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    P_256 = "p-256"
    P_384 = "p-384"
    ML_DSA_44 = "ml-dsa-44"
    ML_DSA_65 = "ml-dsa-65"
    ML_DSA_87 = "ml-dsa-87"


@dataclass(frozen=True)
class Overlay:
    """A change laid over a profile; what is None stays as the profile says.

    Attributes:
        algorithm: of the subject's key; ``ca_algorithm`` of issuing CA and root (by default that of the tree).
        lifetime_years: how long the certificate would be valid.
        extension_octets: size of the value of one more extension; 0 adds none.
        name: how the overlay is called in tables.
    """

    algorithm: Algorithm | None = None
    ca_algorithm: Algorithm | None = None
    lifetime_years: float | None = None
    extension_octets: int = 0
    name: str = ""

    @property
    def label(self) -> str:
        """The name, or a description of what is changed."""
        parts = [str(self.algorithm)] if self.algorithm else []
        parts += [f"CA {self.ca_algorithm}"] if self.ca_algorithm else []
        parts += [f"{self.lifetime_years:g} years"] if self.lifetime_years is not None else []
        parts += [f"+{self.extension_octets} octets of extension"] if self.extension_octets else []
        return self.name or ", ".join(parts) or "as the profile"


@dataclass(frozen=True)
class WhatIf:
    """What an overlay costs.

    Attributes:
        certificate_octets: of one certificate in DER; ``chain_octets`` with issuing CA and root.
        card_octets: on a card: two certificates, the issuing CA's and two private keys (PKCS#8).
        signature_octets, key_octets: of the holder's signature, and of the public key in the certificate.
        sign_ms, verify_ms: median of one operation with the holder's key, in milliseconds on this machine.
    """

    profile: str
    overlay: str
    algorithm: str
    ca_algorithm: str
    lifetime_days: int
    certificate_octets: int
    chain_octets: int
    card_octets: int
    signature_octets: int
    key_octets: int
    sign_ms: float
    verify_ms: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for a table."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class CrlGrowth:
    """A revocation list at the end of a year; ``delta_octets`` is what the year added."""

    year: int
    entries: int
    octets: int
    delta_octets: int


def available_algorithms() -> tuple[Algorithm, ...]:
    """The algorithms that the installed cryptography can make keys for."""
    return tuple(one for one in Algorithm if _is_available(one))


def what_if(profile_id: str, overlay: Overlay | None = None, *, rounds: int = 15) -> WhatIf:
    """Build the certificate that an overlay describes, and measure.

    Args:
        rounds: how many signatures and verifications are timed.

    Raises:
        Misuse: there is no such profile, it is a CA's, or the algorithm is not available here.
    """
    profile = find_profile(profile_id)
    overlay = overlay or Overlay()
    if profile.kind in (ProfileKind.ROOT, ProfileKind.ISSUING_CA):
        raise Misuse(f"The profile {profile_id} is a CA's; overlays are for certificates of holders.")
    if not 0 <= overlay.extension_octets <= 1 << 20:
        raise Misuse("An added extension has 0 to 1048576 octets.")
    own = Algorithm(profile.value("key", KeyValue).allowed[-1])
    algorithm = overlay.algorithm or own
    issuer = load_profiles()[profile.issuers[0]]
    ca_algorithm = overlay.ca_algorithm or _ca_algorithm(algorithm, issuer)
    key, ca_key = _key(algorithm), _key(ca_algorithm)
    days = _days(profile, overlay)
    certificate = _certificate(profile, key, ca_key, days, overlay.extension_octets)
    above = [_certificate(one, ca_key, ca_key, 7300, 0) for one in _above(issuer)]
    sign, verify, signature = _operations(key)
    private = len(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return WhatIf(
        profile=profile.id,
        overlay=overlay.label,
        algorithm=str(algorithm),
        ca_algorithm=str(ca_algorithm),
        lifetime_days=days,
        certificate_octets=len(certificate),
        chain_octets=len(certificate) + sum(map(len, above)),
        card_octets=2 * len(certificate) + len(above[0]) + 2 * private,
        signature_octets=len(signature),
        key_octets=len(_public_octets(key)),
        sign_ms=_median_ms(sign, rounds),
        verify_ms=_median_ms(verify, rounds),
    )


def example_certificate(profile_id: str) -> bytes:
    """A certificate of a profile with example names and a throw-away key, in DER; for measuring, not for use.

    Raises:
        Misuse: there is no such profile.
    """
    profile = find_profile(profile_id)
    issuer = load_profiles()[profile.issuers[0]]
    key = _key(Algorithm(profile.value("key", KeyValue).allowed[-1]))
    ca_key = _key(Algorithm(issuer.value("key", KeyValue).allowed[0]))
    return _certificate(profile, key, ca_key, _days(profile, Overlay()), 0)


def crl_growth(
    *,
    issued_per_year: int,
    revoked_share: float,
    lifetime_years: float,
    years: int,
    algorithm: Algorithm = Algorithm.RSA_4096,
) -> list[CrlGrowth]:
    """How a CA's revocation list grows, year by year.

    ``revoked_share`` of the certificates issued in a year are revoked, evenly over their lifetime; an entry stays
    until the certificate's own expiry (docs/field/pki.md 5.15, row entry life time). Sizes follow from lists that
    were built: the empty one, and what one entry adds.

    Raises:
        Misuse: a number is out of range.
    """
    if not (0 <= issued_per_year <= 10**8 and 0 <= revoked_share <= 1 and 0 < lifetime_years <= 50):
        raise Misuse("Give a sensible number of certificates, a share between 0 and 1, and up to 50 years of life.")
    if not 1 <= years <= 100:
        raise Misuse("Give 1 to 100 years.")
    empty, entry = _list_sizes(algorithm)
    growth: list[CrlGrowth] = []
    before = empty
    for year in range(1, years + 1):
        entries = round(issued_per_year * revoked_share * _listed(year, lifetime_years))
        octets = round(empty + entries * entry)
        growth.append(CrlGrowth(year, entries, octets, octets - before))
        before = octets
    return growth


def _listed(year: int, lifetime: float) -> float:
    """How many years' worth of revoked certificates are on the list at the end of a year.

    Of the certificates of age ``a`` below the lifetime ``a / lifetime`` of those ever revoked are; summed over all
    ages, that is the integral from 0 to the year or the lifetime, whichever comes first.
    """
    return min(year, lifetime) ** 2 / (2 * lifetime)


@functools.cache
def _list_sizes(algorithm: Algorithm) -> tuple[int, float]:
    key = _key(algorithm)
    name = x509.Name([name_attribute(n, v.fixed, v.type) for n, _, v in _issuing_profile().subject_rows])

    def size(count: int) -> int:
        builder = x509.CertificateRevocationListBuilder().issuer_name(name).last_update(_NOW)
        builder = builder.next_update(_NOW + timedelta(days=1)).add_extension(x509.CRLNumber(1000), False)
        builder = builder.add_extension(x509.AuthorityKeyIdentifier(bytes(20), None, None), False)
        for number in range(count):
            entry = x509.RevokedCertificateBuilder().serial_number(person_serial(number + 1)).revocation_date(_NOW)
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(entry.add_extension(reason, False).build())
        return len(builder.sign(key, _hash(key)).public_bytes(Encoding.DER))

    empty = size(0)
    return empty, (size(500) - size(100)) / 400


def _issuing_profile() -> Profile:
    return load_profiles()["test-sote-person-ca-rsa"]


def _ca_algorithm(algorithm: Algorithm, issuer: Profile) -> Algorithm:
    """The CA's own algorithm while the tree stays; else the strongest of the tree, or for ML-DSA the same."""
    own = Algorithm(issuer.value("key", KeyValue).allowed[0])
    if algorithm.partition("-")[0] == own.partition("-")[0]:
        return own
    trees = {"rsa": Algorithm.RSA_4096, "p": Algorithm.P_384}
    return trees.get(algorithm.partition("-")[0], algorithm)


def _days(profile: Profile, overlay: Overlay) -> int:
    if overlay.lifetime_years is None:
        return (latest_end(profile.value("validity", ValidityValue), _NOW) - _NOW).days + 1
    if not 0 < overlay.lifetime_years <= 100:
        raise Misuse("A lifetime is more than 0 and at most 100 years.")
    return math.ceil(overlay.lifetime_years * 365.25)


def _above(issuer: Profile) -> list[Profile]:
    """The issuing CA and the roots above it, nearest first."""
    chain = [issuer]
    while chain[-1].kind is not ProfileKind.ROOT:
        chain.append(load_profiles()[chain[-1].issuers[0]])
    return chain


_EXAMPLE_SUBJECT = {
    "title": "001 laillistettu lääkäri, legitimerad läkare",
    "pseudonym": "900017",
    "given_name": "Testi Esimerkki",
    "surname": "Esimerkkinen",
    "state": "Finland",
    "locality": "Turku",
    "organisation": "Testipalvelu Oy",
    "serial_number": "90000000017",
    "common_name": "Esimerkkinen Testi 90000000017",
}


def _certificate(profile: Profile, key: Any, ca_key: Any, days: int, extra: int) -> bytes:
    name = x509.Name(
        [
            name_attribute(attribute, value.fixed or _EXAMPLE_SUBJECT.get(attribute, "Esimerkki"), value.type)
            for attribute, row, value in profile.subject_rows
            if value.fixed or row.presence is Presence.REQUIRED or attribute == "pseudonym"
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(profile.issuer_names[0])
        .public_key(key.public_key())
        .serial_number(0x019A << 104 | 1)
        .not_valid_before(_NOW)
        .not_valid_after(_NOW + timedelta(days=days))
    )
    for value, critical in _extensions(profile, key, ca_key):
        builder = builder.add_extension(value, critical)
    if extra:
        content = der.octet_string(bytes(extra))
        added = x509.UnrecognizedExtension(x509.ObjectIdentifier(_EXAMPLE_OID), content)
        builder = builder.add_extension(added, False)
    return builder.sign(ca_key, _hash(ca_key)).public_bytes(Encoding.DER)


def _extensions(profile: Profile, key: Any, ca_key: Any) -> list[tuple[x509.ExtensionType, bool]]:
    constant = dict(constant_extensions(profile))
    constant["authority-key-identifier"] = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    constant["subject-key-identifier"] = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    constant["key-usage"] = key_usage(profile, rsa_key=isinstance(key, rsa.RSAPrivateKey))
    usage = profile.find("extension.extended-key-usage", ExtendedKeyUsageValue)
    if usage is not None:
        constant["extended-key-usage"] = extended_key_usage_of(usage.default)
    names = profile.find("extension.subject-alternative-name", NamesValue)
    if names is not None:
        dns = ("palvelu.testi.example.fi",) if names.dns is not Presence.ABSENT else ()
        email = "testi.esimerkki@example.fi" if names.email is not Presence.ABSENT else ""
        constant["subject-alternative-name"] = alternative_names(AlternativeNames(dns, email=email))
    return [(constant[name], bool(row.critical)) for name, row in profile.extension_rows if name in constant]


def _operations(key: Any) -> tuple[Callable[[], Any], Callable[[], Any], bytes]:
    """Signing and verifying with a key as its certificates are used, and one signature."""
    public = key.public_key()
    arguments: tuple[Any, ...] = ()
    if isinstance(key, rsa.RSAPrivateKey):
        arguments = (padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        arguments = (ec.ECDSA(hashes.SHA384() if key.key_size > 256 else hashes.SHA256()),)
    signature: bytes = key.sign(_MESSAGE, *arguments)
    return (
        lambda: key.sign(_MESSAGE, *arguments),
        lambda: public.verify(signature, _MESSAGE, *arguments),
        signature,
    )


def _median_ms(operation: Callable[[], Any], rounds: int) -> float:
    taken = []
    for _ in range(max(1, rounds)):
        begun = time.perf_counter()
        operation()
        taken.append(time.perf_counter() - begun)
    return round(statistics.median(taken) * 1000, 4)


def _public_octets(key: Any) -> bytes:
    encoded: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _hash(key: Any) -> Any:
    """As the CAs of the tree sign; ML-DSA hashes by itself."""
    if isinstance(key, rsa.RSAPrivateKey):
        return hashes.SHA512()
    return hashes.SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _is_available(algorithm: Algorithm) -> bool:
    if not algorithm.startswith("ml-dsa"):
        return True
    try:
        _key(algorithm)
    except Misuse:
        return False
    return True


@functools.cache
def _key(algorithm: Algorithm) -> Any:
    """A key to measure with, one for each algorithm and process."""
    if algorithm.startswith("rsa-"):
        return rsa.generate_private_key(65537, int(algorithm.removeprefix("rsa-")))
    if algorithm.startswith("p-"):
        return ec.generate_private_key(ec.SECP384R1() if algorithm == Algorithm.P_384 else ec.SECP256R1())
    try:
        from cryptography.hazmat.primitives.asymmetric import mldsa

        made: Any = getattr(mldsa, f"MLDSA{algorithm.removeprefix('ml-dsa-')}PrivateKey").generate()
    except (ImportError, AttributeError, UnsupportedAlgorithm):
        raise Misuse(
            f"The installed cryptography has no {algorithm}.",
            advice="Install a version that has it, with OpenSSL 3.5.",
        ) from None
    return made
