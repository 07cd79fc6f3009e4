"""One certificate from every TEST profile, and the authorities above it; made when asked for, once per process."""

from __future__ import annotations

import functools

import x509_world as w
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.x509.extensions import AlternativeNames
from sotepki.x509.issuing import Issuer, issue, issue_der
from sotepki.x509.keys import PrivateKey
from sotepki.x509.profile_values import KeyValue, NamesValue, Presence, SerialForm, SerialValue
from sotepki.x509.profiles import Profile, ProfileKind, load_profiles
from sotepki.x509.serials import person_serial, service_serial

_NUMBERS = {
    "professional": "90000000017",
    "spare": "90000000017",
    "citizen": "90000013K",
    "personnel": "900017-2026",
    "actor": "900018-2026",
    "organisation": "900019-2026",
}
_SUBJECT = {
    "title": w.PERSON["title"],
    "given_name": "Testi",
    "surname": "Esimerkki",
    "state": "Finland",
    "locality": "Turku",
    "organisation": "Testipalvelu Oy",
}


@functools.cache
def issuer_from(profile_id: str) -> Issuer:
    """An authority of a root's or issuing CA's profile."""
    profile = load_profiles()[profile_id]
    key = key_for(profile, "root" if profile_id == "test-root-rsa" else profile_id)
    by = Issuer(None, key) if profile.kind is ProfileKind.ROOT else issuer_from(profile.issuers[0])
    certificate = issue(
        profile,
        subject={},
        public_key=key.public_key(),
        issuer=by,
        serial_number=service_serial(w.NOW),
        not_before=w.NOW,
    )
    return Issuer(certificate, key)


@functools.cache
def issued_from(profile_id: str) -> bytes:
    """A certificate of a profile in DER, issued on the normal path."""
    profile = load_profiles()[profile_id]
    if profile.kind in (ProfileKind.ROOT, ProfileKind.ISSUING_CA):
        return w.certificate_of(issuer_from(profile_id)).public_bytes(Encoding.DER)
    person = profile.value("serial", SerialValue).form is SerialForm.PERSON
    allowed = profile.find("extension.subject-alternative-name", NamesValue) or NamesValue()
    return issue_der(
        profile,
        subject=subject_for(profile),
        public_key=key_for(profile, "leaf").public_key(),
        issuer=issuer_from(profile.issuers[0]),
        serial_number=person_serial(1) if person else service_serial(w.NOW),
        not_before=w.NOW,
        names=AlternativeNames(
            dns=(w.HOST,) if allowed.dns is Presence.REQUIRED else (),
            email="testi.esimerkki@example.fi" if allowed.email is not Presence.ABSENT else "",
            upn="testi@example.fi" if allowed.upn is not Presence.ABSENT else "",
        ),
    )


def key_for(profile: Profile, name: str) -> PrivateKey:
    kind = profile.value("key", KeyValue).allowed[0]
    if kind.startswith("rsa-"):
        return w.rsa_key(int(kind.removeprefix("rsa-")), name)
    return w.ec_key(name, "secp384r1" if kind == "p-384" else "secp256r1")


def subject_for(profile: Profile) -> dict[str, str]:
    """Values for the attributes that a profile requires and does not fix."""
    kind = profile.id.partition("-")[0]
    number = _NUMBERS.get(kind, "1.2.246.556.12002.1" if "kela" in profile.id else "1.2.246.10.12345671.10.0")
    wanted = [
        name for name, row, value in profile.subject_rows if not value.fixed and row.presence is Presence.REQUIRED
    ]
    values = {name: _SUBJECT[name] for name in wanted if name in _SUBJECT}
    if "serial_number" in wanted:
        values["serial_number"] = number
    if "given_name" in wanted:
        values["common_name"] = f"Esimerkki Testi {number}"
    else:
        values["common_name"] = w.HOST if "server" in profile.id else "Testi OCSP1"
    if kind == "citizen":
        values["common_name"] = values["common_name"].upper()
    return values
