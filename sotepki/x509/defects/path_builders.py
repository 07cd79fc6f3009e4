"""Builders of defects around a good certificate: its CA, its root, its revocation list, the OCSP answer about it.

A builder is a function ``(setting, world, base, **arguments) -> setting``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp

from sotepki.clock import SetClock
from sotepki.errors import Fault
from sotepki.x509 import der
from sotepki.x509.crl import RevokedEntry
from sotepki.x509.defects.certificate_builders import build
from sotepki.x509.defects.draft import Draft, der_of, sign_raw
from sotepki.x509.defects.world import BASES, Base, DefectWorld
from sotepki.x509.issuing import Issuer
from sotepki.x509.keys import PrivateKey
from sotepki.x509.ocsp import Responder
from sotepki.x509.ocsp_faults import OcspFaults
from sotepki.x509.status import CertificateState, CertificateStatus


@dataclass(frozen=True)
class Setting:
    """What a validator gets: DER of the certificate, its issuers, the trusted roots, lists and OCSP answers.

    ``certificate`` may be any bytes. ``label`` is the PEM label it is written under.
    """

    certificate: bytes
    issuers: tuple[bytes, ...]
    trust: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    ocsp: tuple[bytes, ...]
    label: str = "CERTIFICATE"


PathBuilder = Callable[..., Setting]

_ID_HASHES: Mapping[str, type[hashes.HashAlgorithm]] = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}


def good_setting(world: DefectWorld, base: Base) -> Setting:
    """A good certificate with everything that is needed to see that it is good."""
    issuer = world.issuer(base)
    return Setting(
        certificate=der_of(world.good(base)),
        issuers=(der_of(_certificate(issuer)),),
        trust=(der_of(_certificate(world.root)),),
        crls=(_crl(world, issuer), _crl(world, world.root)),
        ocsp=(),
    )


def spoilt_certificate(world: DefectWorld, base: Base, builder: str, arguments: Mapping[str, Any]) -> Setting:
    """The good setting with a certificate that a certificate builder spoilt, signed by its CA."""
    draft = build(builder, Draft.of(world.good(base)), world, arguments)
    return replace(good_setting(world, base), certificate=draft.signed(world.issuer(base).key))


# ------------------------------------------------------------------------------------------------ issuers and roots


def issuer_draft(
    setting: Setting, world: DefectWorld, base: Base, *, builder: str, arguments: Mapping[str, Any]
) -> Setting:
    """The issuing CA's certificate spoilt by a certificate builder and signed by the root."""
    draft = Draft.of(_certificate(world.issuer(base)))
    return replace(setting, issuers=(build(builder, draft, world, arguments).signed(world.root.key),))


def constrained_issuer(
    setting: Setting,
    world: DefectWorld,
    base: Base,
    *,
    permitted_dns: str = "",
    excluded_attribute: Sequence[str] = (),
) -> Setting:
    """An issuing CA with name constraints: a permitted domain, or an excluded subtree of one attribute."""
    permitted = [x509.DNSName(permitted_dns)] if permitted_dns else None
    excluded = None
    if excluded_attribute:
        pairs = [("country", "FI"), *zip(excluded_attribute[::2], excluded_attribute[1::2], strict=True)]
        names = {"country": x509.NameOID.COUNTRY_NAME, "state": x509.NameOID.STATE_OR_PROVINCE_NAME}
        excluded = [x509.DirectoryName(x509.Name([x509.NameAttribute(names[key], value) for key, value in pairs]))]
    value = x509.NameConstraints(permitted, excluded).public_bytes()
    draft = Draft.of(_certificate(world.issuer(base))).added("2.5.29.30", value, critical=True)
    return replace(setting, issuers=(draft.signed(world.root.key),))


def impostor_issuer(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """The certificate signed by a stranger's key, under the issuing CA's name and key identifier."""
    draft = Draft.of(world.good(base))
    return replace(setting, certificate=draft.signed(world.key("impostor", "rsa-2048")))


def impostor_root(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """The whole path under another root that bears the trusted root's name."""
    key = world.key("impostor-root", "rsa-2048")
    draft = Draft.of(_certificate(world.issuer(base)))
    return replace(setting, issuers=(draft.signed(key),))


def no_issuer(setting: Setting, _world: DefectWorld, _base: Base) -> Setting:
    """The issuing CA's certificate left out."""
    return replace(setting, issuers=())


def too_long(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """A CA below the issuing CA, whose path length is 0, and the certificate issued by that."""
    upper = world.issuer(base)
    key = world.key("lower-ca", "rsa-2048")
    name = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "FI"),
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Digi- ja vaestotietovirasto TEST"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "DVV TEST lower CA that may not be"),
        ]
    )
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    upper_id = x509.AuthorityKeyIdentifier(upper.key_identifier, None, None)
    lower = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(_certificate(upper).subject)
        .public_key(key.public_key())
        .serial_number(0x6C6F7765)
        .not_valid_before(world.begin - timedelta(hours=1))
        .not_valid_after(world.end(1000))
        .add_extension(upper_id, False)
        .add_extension(key_id, False)
        .add_extension(_ca_usage(), True)
        .add_extension(x509.BasicConstraints(True, 0), True)
        .sign(upper.key, hashes.SHA512())
    )
    lower_id = x509.AuthorityKeyIdentifier(key_id.digest, None, None).public_bytes()
    draft = replace(Draft.of(world.good(base)), issuer=name.public_bytes())
    draft = draft.changed("authority-key-identifier", value=lower_id)
    own_list = _crl(world, Issuer(lower, key))
    return replace(
        setting,
        certificate=draft.signed(key),
        issuers=(der_of(lower), *setting.issuers),
        crls=(own_list, *setting.crls),
    )


def ca_as_end_entity(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """The issuing CA's own certificate offered as an end-entity certificate."""
    return replace(setting, certificate=der_of(_certificate(world.issuer(base))), issuers=())


def issued_by_end_entity(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """The certificate issued by another end-entity certificate of the same CA."""
    holder = world.good(base)
    key = world.key(base, BASES[base].key)
    draft = replace(Draft.of(holder), issuer=holder.subject.public_bytes())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST issued by an end entity")])
    draft = replace(draft, subject=subject.public_bytes())
    return replace(setting, certificate=draft.signed(key), issuers=(der_of(holder), *setting.issuers))


# ------------------------------------------------------------------------------------------------ revocation


def revoked(
    setting: Setting, world: DefectWorld, base: Base, *, reason: str = "keyCompromise", hours: float = -1.5
) -> Setting:
    """The certificate on its CA's list, revoked ``hours`` after the moment of validation (before it, if negative)."""
    entry = _entry(world, world.good(base), reason, hours)
    return replace(setting, crls=(_crl(world, world.issuer(base), entry), _crl(world, world.root)))


def revoked_issuer(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """The issuing CA on the root's list."""
    entry = _entry(world, _certificate(world.issuer(base)), "cACompromise", -1.5)
    return replace(setting, crls=(setting.crls[0], _crl(world, world.root, entry)))


def no_crl(setting: Setting, _world: DefectWorld, _base: Base) -> Setting:
    """No revocation data of the issuing CA; the root's list stays."""
    return replace(setting, crls=setting.crls[1:])


def stale_crl(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """A list whose nextUpdate has passed."""
    made = world.at - timedelta(hours=1, days=3)
    stale = world.crl(world.issuer(base), this_update=made, next_update=made + timedelta(days=1))
    return replace(setting, crls=(stale.public_bytes(Encoding.DER), setting.crls[1]))


def other_crl(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """The list of the other issuing CA instead of the right one."""
    (other,) = (issuer for issuer in world.authorities.values() if issuer is not world.issuer(base))
    return replace(setting, crls=(_crl(world, other), setting.crls[1]))


def forged_crl(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """A list under the right name, signed by a stranger's key."""
    issuer = world.issuer(base)
    forger = Issuer(issuer.certificate, world.key("impostor", "rsa-2048"))
    return replace(setting, crls=(_crl(world, forger), setting.crls[1]))


def spoilt_crl(setting: Setting, _world: DefectWorld, _base: Base) -> Setting:
    """The list with one bit of its signature changed."""
    first = setting.crls[0]
    return replace(setting, crls=(first[:-1] + bytes((first[-1] ^ 1,)), setting.crls[1]))


def critical_crl(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """The list with a critical extension that nobody knows."""
    issuer = world.issuer(base)
    parts = [part.raw for part in der.parse(der.parse(setting.crls[0]).children()[0].raw).children()]
    extensions = [one.raw for one in der.parse(der.parse(parts[-1]).content).children()]
    unknown = der.sequence(
        der.oid("1.3.6.1.4.1.55555.1"), der.tlv(der.Tag.BOOLEAN, b"\xff"), der.octet_string(der.NULL)
    )
    parts[-1] = der.explicit(0, der.sequence(*extensions, unknown))
    return replace(setting, crls=(_signed_list(der.sequence(*parts), issuer.key), setting.crls[1]))


def ocsp_answer(
    setting: Setting,
    world: DefectWorld,
    base: Base,
    *,
    state: str = "good",
    id_hash: str = "sha1",
    faults: Mapping[str, Any] | None = None,
) -> Setting:
    """An OCSP answer instead of the CA's list, from the records or with faults of ``OcspFaults``.

    The CertID is made with SHA-1 unless told otherwise: every client finds that one (RFC 5019 2.1.1).
    """
    authority = BASES[base].authority
    certificate, key = world.responder(authority)
    issuer, asked = _certificate(world.issuer(base)), world.good(base)
    request = ocsp.OCSPRequestBuilder().add_certificate(asked, issuer, _ID_HASHES[id_hash]()).build()
    moment = world.at - timedelta(minutes=10)
    responder = Responder(issuer, certificate, key, _Fixed(CertificateState(state), world), SetClock(moment))
    answered = responder.answer(request.public_bytes(Encoding.DER), OcspFaults.from_dict(faults or {}))
    return replace(setting, ocsp=(answered.response,), crls=setting.crls[1:])


# ------------------------------------------------------------------------------------------------ something else


def private_key(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """A private key (made for this, and nobody's) where a certificate is expected."""
    key = world.key("given-away", "p-256")
    octets = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return replace(setting, certificate=octets, label="PRIVATE KEY")


def request(setting: Setting, world: DefectWorld, base: Base) -> Setting:
    """A certificate request where a certificate is expected."""
    key = world.key(base, BASES[base].key)
    made = x509.CertificateSigningRequestBuilder().subject_name(world.good(base).subject)
    octets = made.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return replace(setting, certificate=octets, label="CERTIFICATE REQUEST")


def crl_as_certificate(setting: Setting, _world: DefectWorld, _base: Base) -> Setting:
    """A revocation list under the label of a certificate."""
    return replace(setting, certificate=setting.crls[0])


def truncated(setting: Setting, _world: DefectWorld, _base: Base, *, octets: int) -> Setting:
    """The certificate without its last octets."""
    return replace(setting, certificate=setting.certificate[:-octets])


def long_form_length(setting: Setting, _world: DefectWorld, _base: Base) -> Setting:
    """The outermost length written with one octet too many, which BER allows and DER does not."""
    content = der.parse(setting.certificate).content
    return replace(setting, certificate=b"\x30\x83" + len(content).to_bytes(3, "big") + content)


def indefinite_length(setting: Setting, _world: DefectWorld, _base: Base) -> Setting:
    """The outermost length in the indefinite form of BER."""
    return replace(setting, certificate=b"\x30\x80" + der.parse(setting.certificate).content + b"\0\0")


def garbage(setting: Setting, _world: DefectWorld, _base: Base, *, base64_text: str) -> Setting:
    """Bytes that are no structure at all."""
    return replace(setting, certificate=base64.b64decode(base64_text))


class _Fixed:
    """Records that say the same of every certificate."""

    def __init__(self, state: CertificateState, world: DefectWorld) -> None:
        when = world.at - timedelta(hours=1) if state is CertificateState.REVOKED else None
        reason = x509.ReasonFlags.key_compromise if when else None
        self._status = CertificateStatus(state, when, reason)

    def status(self, issuer_key_id: bytes, serial_number: int) -> CertificateStatus:
        return self._status


def _entry(world: DefectWorld, certificate: x509.Certificate, reason: str, hours: float) -> RevokedEntry:
    return RevokedEntry(certificate.serial_number, world.at + timedelta(hours=hours), x509.ReasonFlags(reason))


def _crl(world: DefectWorld, issuer: Issuer, *entries: RevokedEntry) -> bytes:
    return world.crl(issuer, entries).public_bytes(Encoding.DER)


def _signed_list(data: bytes, key: PrivateKey) -> bytes:
    algorithm = der.sequence(der.oid("1.2.840.113549.1.1.13"), der.NULL)
    return der.sequence(data, algorithm, der.bit_string(sign_raw(key, data, "sha512-rsa")))


def _ca_usage() -> x509.KeyUsage:
    return x509.KeyUsage(False, False, False, False, False, True, True, False, False)


def _certificate(issuer: Issuer) -> x509.Certificate:
    if issuer.certificate is None:
        raise Fault("An issuer of the defects has no certificate.")
    return issuer.certificate


PATH_BUILDERS: Mapping[str, PathBuilder] = {
    function.__name__.replace("_", "-"): function
    for function in (
        issuer_draft, constrained_issuer, impostor_issuer, impostor_root, no_issuer, too_long, ca_as_end_entity,
        issued_by_end_entity, revoked, revoked_issuer, no_crl, stale_crl, other_crl, forged_crl, spoilt_crl,
        critical_crl, ocsp_answer, private_key, request, crl_as_certificate, truncated, long_form_length,
        indefinite_length, garbage,
    )
}  # fmt: skip
"""The builders by the names of the catalogue."""
