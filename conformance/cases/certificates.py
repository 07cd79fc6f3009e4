"""Certificates that the system holds or reads from a card."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conformance.check import Check
from conformance.declaring import Area, case
from conformance.describing import key_usage_names
from conformance.judging import is_revoked, latest_end, subject_value
from conformance.requirements import Phase
from conformance.sut.facets import CertificateRole, Trust
from sotepki.clock import Clock
from sotepki.errors import Refused
from sotepki.identifiers import Oid, RegistrationNumber
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.issuer import issuer_among
from sotepki.x509.names import readable
from sotepki.x509.ocsp_client import ocsp_urls
from sotepki.x509.serials import serial_text


@case(
    "certificate.chain",
    title="All certificates belong to the test hierarchy",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.chain"],
    mutants=["system-certificate-of-foreign-ca"],
)
def chain(certificates: Mapping[CertificateRole, x509.Certificate], trust: Trust, check: Check) -> None:
    """For every certificate of the system a path is built to a root of the test hierarchy.

        root -> issuing authority -> certificate

    Signatures are checked cryptographically: an authority with the right name and another key does not count.
    """
    for role, certificate in certificates.items():
        check.show_certificate(f"certificate {role}", certificate)
        check.that(
            "cert.chain",
            _reaches_root(certificate, trust),
            f"The {role} certificate does not lead to a trusted root.",
            subject=str(role),
            expected=", ".join(_common_name(root) for root in trust.roots),
            found=readable(certificate.issuer),
        )


@case(
    "certificate.not-revoked",
    title="No certificate of the system is revoked",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.not-revoked"],
    mutants=["server-certificate-revoked"],
)
def not_revoked(certificates: Mapping[CertificateRole, x509.Certificate], trust: Trust, check: Check) -> None:
    """The state of every certificate is asked from the issuing authority, by OCSP or from its revocation list.

    If one of them cannot be asked for, the others do not show that none is revoked.
    """
    if not trust.knows_revocation:
        check.skip("Neither revocation lists nor an OCSP responder are attached; name crls in [trust].")
    states = {role: _state(certificate, trust) for role, certificate in certificates.items()}
    unknown = [str(role) for role, state in states.items() if state is None]
    if unknown and True not in states.values():
        check.skip(
            f"Of these certificates nobody says whether they are revoked: {', '.join(unknown)}. "
            "Name the list of their authority under crls in [trust]; see the case certificate.chain too."
        )
    for role, certificate in certificates.items():
        if states[role] is None:
            continue
        check.that(
            "cert.not-revoked",
            not states[role],
            f"The {role} certificate {serial_text(certificate.serial_number)} is revoked.",
            subject=str(role),
            expected="good",
            found="revoked",
        )


@case(
    "certificate.server.profile",
    title="The server certificate fits its profile",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.server.profile"],
    mutants=["server-certificate-without-dns-name", "server-certificate-without-client-auth"],
)
def server_profile(server_certificate: x509.Certificate, check: Check) -> None:
    """The server certificate secures the connection to Kanta, where the system is the TLS client.

    Its key usage has digitalSignature, its extended key usage has clientAuth, and its subjectAltName has at least one
    dNSName.
    """
    check.show_certificate("server certificate", server_certificate)
    usages = key_usage_names(server_certificate)
    check.that(
        "cert.server.profile",
        "digitalSignature" in usages,
        "The key usage of the server certificate is not that of a server certificate.",
        expected="digitalSignature, with RSA also keyEncipherment",
        found=", ".join(usages),
    )
    purposes = readable_extension(server_certificate, x509.ExtendedKeyUsage)
    check.that(
        "cert.server.profile",
        purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH in purposes,
        "The server certificate is not for client authentication, so it cannot open a connection to Kanta.",
        expected="clientAuth",
        found=", ".join(p.dotted_string for p in purposes or ()) or "no extended key usage",
    )
    names = readable_extension(server_certificate, x509.SubjectAlternativeName)
    check.that(
        "cert.server.profile",
        bool(names and names.get_values_for_type(x509.DNSName)),
        "The server certificate names no host as dNSName.",
        expected="a dNSName in subjectAltName",
    )


@case(
    "certificate.server.validity",
    title="The server certificate is in force, for a year at most",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.server.validity"],
    mutants=["server-certificate-two-years", "server-certificate-expired"],
)
def server_validity(server_certificate: x509.Certificate, clock: Clock, check: Check) -> None:
    """The server certificate is valid now, and notAfter is at most one year after notBefore.

    The last day counts whole: DVV's certificates end with the last second of a Finnish day.
    """
    _in_force(check, "cert.server.validity", server_certificate, clock)
    _not_longer(check, "cert.server.validity", server_certificate, 1, "one year")


@case(
    "certificate.system.key-usage",
    title="The system signature certificate is for signatures",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.system.key-usage"],
    mutants=["system-certificate-without-non-repudiation"],
)
def system_key_usage(system_certificate: x509.Certificate, check: Check) -> None:
    """The key usage of the system signature certificate is digitalSignature and nonRepudiation, nothing else."""
    check.show_certificate("system signature certificate", system_certificate)
    usages = key_usage_names(system_certificate)
    check.that(
        "cert.system.key-usage",
        set(usages) == {"digitalSignature", "nonRepudiation"},
        "The key usage of the system signature certificate is not that of a system signature.",
        expected="digitalSignature, nonRepudiation",
        found=", ".join(usages) or "none",
    )


@case(
    "certificate.system.serial-number",
    title="The system signature certificate names the organisation by its OID",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.system.serial-number"],
    mutants=["system-certificate-with-business-id"],
)
def system_serial_number(system_certificate: x509.Certificate, check: Check) -> None:
    """The subject's serialNumber of the system signature certificate is a well-formed OID.

    A Business ID or a name in its place cannot be compared with the custodian of a document.
    """
    found = subject_value(system_certificate, NameOID.SERIAL_NUMBER)
    check.that(
        "cert.system.serial-number",
        _parses(Oid.parse, found),
        "The subject serialNumber of the system signature certificate is not an OID.",
        expected="an OID such as 1.2.246.10.99999999.19.1",
        found=found or "no serialNumber",
    )


@case(
    "certificate.system.validity",
    title="The system signature certificate is in force, for two years at most",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.system.validity"],
    mutants=["system-certificate-three-years"],
)
def system_validity(system_certificate: x509.Certificate, clock: Clock, check: Check) -> None:
    """The system signature certificate is valid now, and notAfter is at most two years after notBefore."""
    _in_force(check, "cert.system.validity", system_certificate, clock)
    _not_longer(check, "cert.system.validity", system_certificate, 2, "two years")


@case(
    "certificate.card.signature-key-usage",
    title="The card's signature certificate is for nonRepudiation alone",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.card.signature-key-usage"],
    mutants=["card-certificates-swapped"],
)
def card_signature_key_usage(card_signature_certificate: x509.Certificate, check: Check) -> None:
    """The certificate that the system takes for signatures from a card has nonRepudiation and no other bit.

    Software that picks a certificate by another mark than key usage easily takes the wrong one.
    """
    check.show_certificate("signature certificate of the card", card_signature_certificate)
    usages = key_usage_names(card_signature_certificate)
    check.that(
        "cert.card.signature-key-usage",
        usages == ("nonRepudiation",),
        "The signature certificate of the card is not for nonRepudiation alone.",
        expected="nonRepudiation",
        found=", ".join(usages) or "none",
    )


@case(
    "certificate.card.authentication-key-usage",
    title="The card's authentication certificate is not for signatures",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.card.authentication-key-usage"],
    mutants=["card-certificates-swapped"],
)
def card_authentication_key_usage(card_authentication_certificate: x509.Certificate, check: Check) -> None:
    """The certificate that the system takes for logging in has digitalSignature and not nonRepudiation."""
    check.show_certificate("authentication certificate of the card", card_authentication_certificate)
    usages = key_usage_names(card_authentication_certificate)
    check.that(
        "cert.card.authentication-key-usage",
        "digitalSignature" in usages and "nonRepudiation" not in usages,
        "The authentication certificate of the card has the key usage of a signature certificate.",
        expected="digitalSignature without nonRepudiation",
        found=", ".join(usages) or "none",
    )


@case(
    "certificate.card.registration-number",
    title="The card's certificates carry the registration number",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.card.registration-number"],
    mutants=["card-without-registration-number"],
)
def card_registration_number(card_certificates: Mapping[CertificateRole, x509.Certificate], check: Check) -> None:
    """The subject serialNumber of both card certificates is a registration number of eleven digits."""
    for role, certificate in card_certificates.items():
        found = subject_value(certificate, NameOID.SERIAL_NUMBER)
        check.that(
            "cert.card.registration-number",
            bool(re.fullmatch(r"\d{11}", found)) and _parses(RegistrationNumber.parse, found),
            f"The {role} certificate carries no registration number.",
            subject=str(role),
            expected="11 digits in subject serialNumber",
            found=found or "no serialNumber",
        )


@case(
    "certificate.card.one-holder",
    title="Both certificates of the card are of one holder",
    area=Area.CERTIFICATES,
    phase=Phase.PRE_TEST,
    requirements=["cert.card.one-holder"],
    mutants=["card-certificates-of-two-holders"],
)
def card_one_holder(
    card_authentication_certificate: x509.Certificate, card_signature_certificate: x509.Certificate, check: Check
) -> None:
    """The authentication and the signature certificate have the same subject.

    A system that keeps the certificate of an earlier card logs one person in and lets another one sign.
    """
    check.show_certificate("authentication certificate of the card", card_authentication_certificate)
    check.show_certificate("signature certificate of the card", card_signature_certificate)
    check.that(
        "cert.card.one-holder",
        card_authentication_certificate.subject == card_signature_certificate.subject,
        "The two certificates of the card name different holders.",
        expected=readable(card_authentication_certificate.subject),
        found=readable(card_signature_certificate.subject),
    )


def _state(certificate: x509.Certificate, trust: Trust) -> bool | None:
    """Whether it is revoked; None if it says nowhere who could be asked, which is the matter of another case."""
    return is_revoked(certificate, trust) if trust.status is None or ocsp_urls(certificate) else None


def _in_force(check: Check, requirement: str, certificate: x509.Certificate, clock: Clock) -> None:
    now = clock.now()
    check.that(
        requirement,
        certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc,
        "The certificate is not in force now.",
        expected=f"in force at {now:%Y-%m-%d %H:%M:%SZ}",
        found=f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%SZ} to "
        f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%SZ}",
    )


def _not_longer(check: Check, requirement: str, certificate: x509.Certificate, years: int, words: str) -> None:
    limit = latest_end(certificate, years)
    check.that(
        requirement,
        certificate.not_valid_after_utc <= limit,
        f"The certificate was given for more than {words}.",
        expected=f"an end at {limit:%Y-%m-%d %H:%M:%SZ} at the latest",
        found=f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%SZ}",
    )


def _reaches_root(certificate: x509.Certificate, trust: Trust) -> bool:
    """Whether signatures lead from the certificate over the trusted authorities to a root; time is not looked at."""
    current = certificate
    for _ in range(len(trust.issuers) + 1):
        if current in trust.roots:
            return True
        issuer = issuer_among(current, trust.issuers)
        if issuer is None:
            return False
        current = issuer
    return False


def _common_name(certificate: x509.Certificate) -> str:
    return subject_value(certificate, NameOID.COMMON_NAME) or readable(certificate.subject)


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except Refused:
        return False
    return True
