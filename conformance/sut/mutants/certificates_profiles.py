"""Certificates that break one row of their profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from conformance.bench.forging import forged
from conformance.sut.facets import CertificateRole, Facet
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Certificates, Reference, der
from sotepki.clock import HELSINKI, end_of_finnish_day
from sotepki.dvv import ROOT, SOTE_PERSONS, SOTE_SERVICES
from sotepki.x509.reading import read_certificates

_SERVER, _SYSTEM = CertificateRole.SERVER, CertificateRole.SYSTEM_SIGNATURE
_AUTHENTICATION, _SIGNATURE = CertificateRole.CARD_AUTHENTICATION, CertificateRole.CARD_SIGNATURE
_CARD = (_AUTHENTICATION, _SIGNATURE)
_ETSI = "0.4.0.2042.1.7"

Changes = Callable[[x509.Certificate, Reference], Mapping[str, Any]]
"""What ``forged`` is to do otherwise than with the model."""


def _changed(roles: Sequence[CertificateRole], changes: Changes) -> Fault:
    def fault(reference: Reference) -> Mapping[str, Any]:
        held = dict(reference.certificates.held)
        for role in roles:
            model = present(reference, role)
            key = reference.bench.authority_key(SOTE_PERSONS if role in _CARD else SOTE_SERVICES)
            held[role] = der(forged(model, key, **changes(model, reference)))
        return {"certificates": Certificates(held)}

    return fault


def present(reference: Reference, role: CertificateRole) -> x509.Certificate:
    """The certificate that the reference system holds for a role."""
    return read_certificates(reference.certificates.held[role])[0]


def _reversed(model: x509.Certificate, _: Reference) -> Mapping[str, Any]:
    return {"subject": x509.Name(reversed(list(model.subject)))}


def _with_value(oid: x509.ObjectIdentifier, value: str | None = None, kind: _ASN1Type | None = None) -> Changes:
    """A subject attribute with another value or string type; added if it is not there."""

    def changes(model: x509.Certificate, _: Reference) -> Mapping[str, Any]:
        kept = [
            x509.NameAttribute(oid, value or a.value, kind or a._type) if a.oid == oid else a for a in model.subject
        ]
        if not model.subject.get_attributes_for_oid(oid):
            kept.insert(-1, x509.NameAttribute(oid, value or ""))
        return {"subject": x509.Name(kept)}

    return changes


def _with_policy(*policies: str) -> Changes:
    def changes(model: x509.Certificate, _: Reference) -> Mapping[str, Any]:
        own = model.extensions.get_extension_for_class(x509.CertificatePolicies).value
        qualifiers = next((policy.policy_qualifiers for policy in own if policy.policy_qualifiers), None)
        wanted = [
            x509.PolicyInformation(x509.ObjectIdentifier(policy), None if policy == _ETSI else qualifiers)
            for policy in policies
        ]
        return {"replace": [x509.CertificatePolicies(wanted)]}

    return changes


def _replaced(extension: x509.ExtensionType) -> Changes:
    return lambda _model, _reference: {"replace": [extension]}


def _added(extension: x509.ExtensionType) -> Fault:
    return _changed([_SYSTEM], lambda _model, _reference: {"add": [extension]})


def _other_list(model: x509.Certificate, _: Reference) -> Mapping[str, Any]:
    address = x509.UniformResourceIdentifier("http://proxy.fineid.fi/crl/dvvtshp5rc.crl")
    point = x509.DistributionPoint([address], None, None, None)
    return {"replace": [x509.CRLDistributionPoints([point])]}


def _without_responder(model: x509.Certificate, _: Reference) -> Mapping[str, Any]:
    own = model.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    kept = [entry for entry in own if entry.access_method != AuthorityInformationAccessOID.OCSP]
    return {"replace": [x509.AuthorityInformationAccess(kept)]}


def _ending(end: Callable[[x509.Certificate, Reference], datetime]) -> Changes:
    return lambda model, reference: {"not_after": end(model, reference)}


def _at_noon(model: x509.Certificate, _: Reference) -> datetime:
    return model.not_valid_after_utc - timedelta(hours=12)


def _in_three_days(_: x509.Certificate, reference: Reference) -> datetime:
    return end_of_finnish_day((reference.bench.clock.now() + timedelta(days=3)).astimezone(HELSINKI).date())


def _with(roles: Sequence[CertificateRole], make: Callable[[Reference], Mapping[str, Any]]) -> Fault:
    return _changed(roles, lambda _, reference: make(reference))


def _chain_in_disorder(reference: Reference) -> Mapping[str, Any]:
    authorities = reference.bench.workspace.authorities
    chain = (present(reference, _SERVER), authorities.certificate(ROOT), authorities.certificate(SOTE_SERVICES))
    content = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)
    return {"certificates": Certificates({**reference.certificates.held, _SERVER: content})}


def _short_key(_: Reference) -> Mapping[str, Any]:
    return {"public_key": rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()}


def _mutant(name: str, title: str, fault: Fault) -> Mutant:
    return Mutant(name, title, Facet.CERTIFICATES, fault)


MUTANTS = (
    _mutant("server-certificate-subject-reversed", "Holds a server certificate whose names stand in reverse order",
            _changed([_SERVER], _reversed)),
    _mutant("server-certificate-printable-organisation", "Holds a server certificate with its municipality as "
            "PrintableString",
            _changed([_SERVER], _with_value(NameOID.LOCALITY_NAME, "Helsinki", _ASN1Type.PrintableString))),
    _mutant("server-certificate-of-another-country", "Holds a server certificate of another country",
            _changed([_SERVER], _with_value(NameOID.COUNTRY_NAME, "SE"))),
    _mutant("server-certificate-with-unit", "Holds a server certificate with an organisational unit",
            _changed([_SERVER], _with_value(NameOID.ORGANIZATIONAL_UNIT_NAME, "Tietohallinto"))),
    _mutant("server-certificate-other-dns-name", "Holds a server certificate whose DNS name is another host",
            _changed([_SERVER], _replaced(x509.SubjectAlternativeName([x509.DNSName("muu.esimerkki.test")])))),
    _mutant("server-certificate-with-signature-policy", "Holds a server certificate with the policy of signatures",
            _changed([_SERVER], _with_policy(_ETSI, "1.2.246.517.99.10.308.2"))),
    _mutant("server-certificate-of-production", "Uses a server certificate of production in the test",
            _changed([_SERVER], _with_policy(_ETSI, "1.2.246.517.1.10.358.1"))),
    _mutant("server-certificate-without-responder", "Holds a server certificate that names no OCSP responder",
            _changed([_SERVER], _without_responder)),
    _mutant("server-certificate-with-other-list", "Holds a server certificate with another authority's list",
            _changed([_SERVER], _other_list)),
    _mutant("server-certificate-ends-at-noon", "Holds a server certificate that ends in the middle of a day",
            _changed([_SERVER], _ending(_at_noon))),
    _mutant("server-certificate-ending-soon", "Has not ordered the next certificate three days before the end",
            _changed([_SERVER], _ending(_in_three_days))),
    _mutant("server-certificate-short-key", "Holds a server certificate for an RSA key of 1024 bits",
            _with([_SERVER], _short_key)),
    _mutant("server-certificate-with-other-key-identifier", "Holds a server certificate that points at another key",
            _changed([_SERVER], _replaced(x509.AuthorityKeyIdentifier(bytes(20), None, None)))),
    _mutant("server-chain-file-in-disorder", "Keeps its chain with the root before the issuing authority",
            _chain_in_disorder),
    _mutant("system-certificate-subject-reversed", "Holds a system signature certificate with names in reverse order",
            _changed([_SYSTEM], _reversed)),
    _mutant("system-certificate-with-server-policy", "Holds a system signature certificate with the servers' policy",
            _changed([_SYSTEM], _with_policy(_ETSI, "1.2.246.517.99.10.308.1"))),
    _mutant("system-certificate-with-other-list", "Holds a system signature certificate with another list",
            _changed([_SYSTEM], _other_list)),
    _mutant("system-certificate-for-tls", "Holds a system signature certificate that is also for TLS",
            _added(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))),
    _mutant("system-certificate-with-email", "Holds a system signature certificate with an e-mail address",
            _added(x509.SubjectAlternativeName([x509.RFC822Name("tuki@esimerkki.test")]))),
    _mutant("system-certificate-of-the-server-key", "Holds both service certificates for one key",
            _with([_SYSTEM], lambda reference: {"public_key": present(reference, _SERVER).public_key()})),
    _mutant("system-certificate-with-the-server-serial", "Holds two certificates with one serial number",
            _with([_SYSTEM], lambda reference: {"serial": present(reference, _SERVER).serial_number})),
    _mutant("card-of-another-kind", "Takes a card of another kind for a professional's",
            _changed(_CARD, _with_policy("1.2.246.517.99.10.306.9"))),
    _mutant("card-subject-reversed", "Uses a card whose names stand in reverse order", _changed(_CARD, _reversed)),
    _mutant("card-certificates-of-one-key", "Uses a card with one key for logging in and signing",
            _with([_SIGNATURE], lambda reference: {"public_key": present(reference, _AUTHENTICATION).public_key()})),
)  # fmt: skip
"""In the order of the cases."""
