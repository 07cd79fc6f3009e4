"""The rows of the certificate profiles, one after the other; what joint testing sees first of a new system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from conformance.check import Check
from conformance.declaring import Area, family
from conformance.judging import subject_value
from conformance.requirements import Phase
from conformance.sut.facets import CertificateRole, Trust
from sotepki.x509.comparing import Breach, breaches
from sotepki.x509.explaining import policy_oids
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.issuer import issuer_among
from sotepki.x509.profile_values import PoliciesValue
from sotepki.x509.profiles import load_profiles
from sotepki.x509.view import view_certificate

Certificates = Mapping[CertificateRole, x509.Certificate]

_case = family(Area.CERTIFICATES, Phase.PRE_TEST)

_CARD = ("rsa", "rsa-2048", "ec")
_PROFILES: Mapping[CertificateRole, Sequence[str]] = {
    CertificateRole.SERVER: ("test-server", "test-server-ec"),
    CertificateRole.SYSTEM_SIGNATURE: ("test-system-signature", "test-system-signature-ec"),
    CertificateRole.CARD_AUTHENTICATION: [f"professional-authentication-{key}" for key in _CARD],
    CertificateRole.CARD_SIGNATURE: [f"professional-signature-{key}" for key in _CARD],
}
_TEST_ARC, _PRODUCTION_ARC = "1.2.246.517.99.", "1.2.246.517.1."
_ADDRESSES = ("extension.crl-distribution-points", "extension.authority-information-access")


@_case(
    "certificate.server.subject-order",
    "The names in the server certificate stand in their order",
    "server-certificate-subject-reversed",
    requirement="cert.server.subject-order",
)
def server_subject_order(server_certificate: x509.Certificate, check: Check) -> None:
    """Country, state, locality, organisation and common name follow one another in the subject.

    Software that compares names as bytes takes the same names in another order for another organisation.
    """
    _rows(check, CertificateRole.SERVER, server_certificate, "subject.order")


@_case(
    "certificate.server.subject-values",
    "The names in the server certificate are written as in its profile",
    "server-certificate-printable-organisation",
    "server-certificate-of-another-country",
    "server-certificate-other-dns-name",
    requirement="cert.server.subject-values",
)
def server_subject_values(server_certificate: x509.Certificate, check: Check) -> None:
    """The country is FI as PrintableString; state, locality, organisation and common name are UTF8String.

    Finnish names hold letters that other string types cannot carry; a mixture breaks comparisons.
    """
    values = ("country", "state", "locality", "organisation", "common_name")
    _rows(check, CertificateRole.SERVER, server_certificate, *(f"subject.{value}" for value in values))


@_case(
    "certificate.server.subject-extra",
    "The server certificate has no unit and no e-mail address",
    "server-certificate-with-unit",
    requirement="cert.server.subject-extra",
)
def server_subject_extra(server_certificate: x509.Certificate, check: Check) -> None:
    """DVV took the organisational unit out of server certificates in 2022 and the e-mail address in 2023.

    A certificate with either is an old one, or comes from somewhere else.
    """
    _rows(check, CertificateRole.SERVER, server_certificate, "subject.others", forms=False)


@_case(
    "certificate.server.host-name",
    "The common name of the server certificate is one of its DNS names",
    "server-certificate-other-dns-name",
    "server-certificate-without-dns-name",
    requirement="cert.server.host-name",
)
def server_host_name(server_certificate: x509.Certificate, check: Check) -> None:
    """The host in the common name also stands among the DNS names.

    People read the common name, programs compare the DNS names; when the two differ nobody finds the fault.
    """
    names = readable_extension(server_certificate, x509.SubjectAlternativeName)
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)] if names else []
    host = subject_value(server_certificate, NameOID.COMMON_NAME)
    check.that(
        check.case.requirements[0],
        host.lower() in hosts,
        "The common name of the server certificate is not among its DNS names.",
        expected=host,
        found=", ".join(hosts) or "no DNS name",
    )


@_case(
    "certificate.server.policy",
    "The server certificate bears the policies of a test server certificate",
    "server-certificate-with-signature-policy",
    "server-certificate-of-production",
    requirement="cert.server.policy",
)
def server_policy(server_certificate: x509.Certificate, check: Check) -> None:
    """The ETSI organisation policy stands first, then DVV's own for test server certificates.

    Kanta may tell kinds of certificates apart by this policy; one of another kind is then refused at the door.
    """
    _same_policies(check, CertificateRole.SERVER, server_certificate)


@_case(
    "certificate.server.addresses",
    "The server certificate says where its revocation is published",
    "server-certificate-without-responder",
    "server-certificate-with-other-list",
    requirement="cert.server.addresses",
)
def server_addresses(server_certificate: x509.Certificate, check: Check) -> None:
    """The addresses of revocation list, issuer's certificate and OCSP responder are those of the issuing authority.

    The other side asks there whether the certificate is revoked; without an address it can only refuse or hope.
    """
    _rows(check, CertificateRole.SERVER, server_certificate, *_ADDRESSES)


@_case(
    "certificate.server.end-of-day",
    "The server certificate ends with a Finnish day, within its year",
    "server-certificate-ends-at-noon",
    "server-certificate-two-years",
    "server-certificate-expired",
    requirement="cert.server.end-of-day",
)
def server_end_of_day(server_certificate: x509.Certificate, check: Check) -> None:
    """DVV's certificates end with the last second of a day in Finland: 20:59:59Z in summer, 21:59:59Z in winter.

    A system that reckons in whole days, or in local time, must not stop two hours early or late.
    """
    _rows(check, CertificateRole.SERVER, server_certificate, "validity")


@_case(
    "certificate.system.subject-order",
    "The names in the system signature certificate stand in their order",
    "system-certificate-subject-reversed",
    requirement="cert.system.subject-order",
)
def system_subject_order(system_certificate: x509.Certificate, check: Check) -> None:
    """Country, state, locality, organisation, serialNumber and common name follow one another in the subject.

    The order is seen in published specimens; signatures made with another one could not be told apart by their bytes.
    """
    _rows(check, CertificateRole.SYSTEM_SIGNATURE, system_certificate, "subject.order")


@_case(
    "certificate.system.policy",
    "The system signature certificate bears its own policies",
    "system-certificate-with-server-policy",
    requirement="cert.system.policy",
)
def system_policy(system_certificate: x509.Certificate, check: Check) -> None:
    """The ETSI organisation policy stands first, then DVV's own for test system signature certificates.

    A verifier that looks at policies takes a signature with another one for something else.
    """
    _same_policies(check, CertificateRole.SYSTEM_SIGNATURE, system_certificate)


@_case(
    "certificate.system.addresses",
    "The system signature certificate says where its revocation is published",
    "system-certificate-with-other-list",
    requirement="cert.system.addresses",
)
def system_addresses(system_certificate: x509.Certificate, check: Check) -> None:
    """The addresses of revocation list, issuer's certificate and OCSP responder are those of the issuing authority.

    Documents are verified for decades, and every reader follows these addresses.
    """
    _rows(check, CertificateRole.SYSTEM_SIGNATURE, system_certificate, *_ADDRESSES)


@_case(
    "certificate.system.no-purposes",
    "The system signature certificate is not for TLS and names no e-mail address",
    "system-certificate-for-tls",
    "system-certificate-with-email",
    requirement="cert.system.no-purposes",
)
def system_no_purposes(system_certificate: x509.Certificate, check: Check) -> None:
    """The certificate has neither an extended key usage nor alternative names.

    One with clientAuth would also open connections in the organisation's name, which its key must not do.
    """
    fields = ("extension.extended-key-usage", "extension.subject-alternative-name")
    _rows(check, CertificateRole.SYSTEM_SIGNATURE, system_certificate, *fields)


@_case(
    "certificate.card.policy",
    "The card's certificates bear the policies of a professional card",
    "card-of-another-kind",
    requirement="cert.card.policy",
)
def card_policy(card_certificates: Certificates, check: Check) -> None:
    """By the policies a professional card is told from a personnel card, and a test card from a real one.

    A system that takes another card for a professional's lets somebody sign who may not.
    """
    for role, certificate in card_certificates.items():
        _same_policies(check, role, certificate)


@_case(
    "certificate.card.subject-order",
    "The names in the card's certificates stand in their order",
    "card-subject-reversed",
    requirement="cert.card.subject-order",
)
def card_subject_order(card_certificates: Certificates, check: Check) -> None:
    """Country, title, serialNumber, given name, surname and common name follow one another in the subject.

    Software that finds the registration number by its place and not by its type reads something else.
    """
    for role, certificate in card_certificates.items():
        _rows(check, role, certificate, "subject.order")


@_case(
    "certificate.test-environment",
    "All certificates are of the test environment",
    "server-certificate-of-production",
    requirement="cert.test-environment",
)
def test_environment(certificates: Certificates, check: Check) -> None:
    """Test certificates bear policies below 1.2.246.517.99, those of production below 1.2.246.517.1.

    A service in a test environment may hold a certificate of production, so one is pointed out and nobody fails;
    mostly its key has come onto a test machine by mistake.
    """
    for role, certificate in certificates.items():
        policies = _policies(certificate)
        check.that(
            check.case.requirements[0],
            not any(policy.startswith(_PRODUCTION_ARC) for policy in policies),
            f"The {role} certificate is one of production.",
            subject=str(role),
            expected=f"policies below {_TEST_ARC[:-1]}",
            found=", ".join(policies),
        )


@_case(
    "certificate.own-keys",
    "Every certificate has a key of its own",
    "system-certificate-of-the-server-key",
    "card-certificates-of-one-key",
    requirement="cert.own-keys",
)
def own_keys(certificates: Certificates, check: Check) -> None:
    """The public keys of all certificates are compared with one another.

    A key that does two jobs is as weak as the weaker one: a server's key lies on a machine that faces the network.
    """
    keys = [certificate.public_key() for certificate in certificates.values()]
    check.that(
        check.case.requirements[0],
        all(key not in keys[:number] for number, key in enumerate(keys)),
        "Two certificates of the system are for one key.",
        expected=f"{len(keys)} different keys",
    )


@_case(
    "certificate.serial-numbers",
    "No two certificates bear one serial number",
    "system-certificate-with-the-server-serial",
    requirement="cert.serial-numbers",
)
def serial_numbers(certificates: Certificates, check: Check) -> None:
    """An authority gives a serial number once; lists and responders know certificates by nothing else.

    Two certificates with one number are revoked together, and one of them was not made by the authority.
    """
    numbers = [(certificate.issuer, certificate.serial_number) for certificate in certificates.values()]
    check.that(
        check.case.requirements[0],
        len(set(numbers)) == len(numbers),
        "Two certificates of one authority bear the same serial number.",
    )


@_case(
    "certificate.key-identifiers",
    "Every certificate points at the key of its issuer",
    "server-certificate-with-other-key-identifier",
    requirement="cert.key-identifiers",
)
def key_identifiers(certificates: Certificates, trust: Trust, check: Check) -> None:
    """The authority key identifier is the subject key identifier of the issuing certificate.

    Programs build the chain by it when an authority has had several keys; a wrong one leads nowhere.
    """
    found = {role: (c, issuer_among(c, trust.issuers)) for role, c in certificates.items()}
    if not any(issuer for _, issuer in found.values()):
        check.skip("None of the certificates is of a trusted authority; see the case certificate.chain.")
    for role, (certificate, issuer) in found.items():
        wanted = readable_extension(issuer, x509.SubjectKeyIdentifier) if issuer else None
        named = readable_extension(certificate, x509.AuthorityKeyIdentifier)
        check.that(
            check.case.requirements[0],
            wanted is None or (named is not None and named.key_identifier == wanted.digest),
            f"The {role} certificate points at another key than that of its issuer.",
            subject=str(role),
        )


@_case(
    "certificate.server.key",
    "The key of the server certificate is strong enough",
    "server-certificate-short-key",
    requirement="cert.server.key",
)
def server_key(server_certificate: x509.Certificate, check: Check) -> None:
    """The key is RSA of 2048 bits or more, or on an accepted curve; a shorter one can be broken within its year.

    DVV issues no such certificate any more, so a short key is a sign of an in-house authority.
    """
    _rows(check, CertificateRole.SERVER, server_certificate, "key")


def _rows(
    check: Check, role: CertificateRole, certificate: x509.Certificate, *fields: str, forms: bool = True
) -> None:
    """Hold the requirement of the case against those rows of the profile that fits the certificate best.

    Without ``forms``, differences of form alone are left to the linter, which warns of them.
    """
    check.show_certificate(f"{role} certificate", certificate)
    rows = [breach for breach in _breaches(role, certificate) if breach.row.field in fields]
    broken = [breach for breach in rows if forms or not breach.form]
    for breach in broken:
        check.that(
            check.case.requirements[0],
            False,
            breach.message,
            subject=f"{role}: {breach.row.field}",
            expected=breach.expected,
            found=breach.found,
        )
    if not broken:
        check.that(check.case.requirements[0], True, "", subject=str(role))


def _same_policies(check: Check, role: CertificateRole, certificate: x509.Certificate) -> None:
    """Hold the requirement of the case against the policies, of whatever key the certificate is."""
    rows = (
        load_profiles()[profile].value("extension.certificate-policies", PoliciesValue) for profile in _PROFILES[role]
    )
    wanted = {tuple(policy.oid for policy in row.policies) for row in rows}
    found = _policies(certificate)
    check.show_certificate(f"{role} certificate", certificate)
    check.that(
        check.case.requirements[0],
        found in wanted,
        f"The {role} certificate bears other policies.",
        subject=str(role),
        expected=" or ".join(", ".join(policies) for policies in sorted(wanted)),
        found=", ".join(found),
    )


def _breaches(role: CertificateRole, certificate: x509.Certificate) -> list[Breach]:
    view = view_certificate(certificate.public_bytes(Encoding.DER))
    return min((breaches(load_profiles()[profile], view) for profile in _PROFILES[role]), key=len)


def _policies(certificate: x509.Certificate) -> tuple[str, ...]:
    found = view_certificate(certificate.public_bytes(Encoding.DER)).extension("certificate-policies")
    return policy_oids(found.value) if found else ()
