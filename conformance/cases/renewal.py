"""Changing certificates before they end. The earlier certificates are compared with the present ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise, starmap

from cryptography import x509
from cryptography.x509.oid import NameOID

from conformance.check import Check
from conformance.declaring import Area, family
from conformance.judging import subject_value
from conformance.requirements import Phase
from conformance.sut.facets import CertificateRole
from sotepki.clock import Clock
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.issuer import issued_by
from sotepki.x509.reading import read_certificates

Certificates = Mapping[CertificateRole, x509.Certificate]

_case = family(Area.RENEWAL, Phase.PRE_TEST)

_DELIVERY = timedelta(days=7)


@_case("renewal.new-key", "A new certificate is for a new key", "renewal-keeps-the-key")
def new_key(certificates: Certificates, earlier_certificates: Certificates, check: Check) -> None:
    """Renewal is a new order with a new request. The key of the new certificate must not be that of the old one.

    A key that is carried on from year to year is protected by nothing that its certificates say.
    """
    for role, old, new in _pairs(certificates, earlier_certificates, check):
        different = old.public_key() != new.public_key()
        check.that("renewal.new-key", different, f"The new {role} certificate is for the old key.", subject=role)


@_case(
    "renewal.same-organisation",
    "A new certificate names the same organisation",
    "renewal-for-another-organisation",
    "system-certificate-with-business-id",
)
def same_organisation(certificates: Certificates, earlier_certificates: Certificates, check: Check) -> None:
    """Organisation and OID of the new certificate are those of the old one.

    With another OID the signatures of the system no longer fit the custodian of its documents.
    """
    for role, old, new in _pairs(certificates, earlier_certificates, check):
        before, now = (
            [subject_value(c, oid) for oid in (NameOID.ORGANIZATION_NAME, NameOID.SERIAL_NUMBER)] for c in (old, new)
        )
        check.that(
            "renewal.same-organisation",
            before == now,
            f"The new {role} certificate names another organisation.",
            subject=role,
            expected=", ".join(before),
            found=", ".join(now),
        )


@_case(
    "renewal.same-hosts",
    "A new server certificate keeps the hosts of the old one",
    "renewal-drops-a-host",
    "server-certificate-revoked",
    "server-certificate-without-dns-name",
    "server-certificate-other-dns-name",
)
def same_hosts(certificates: Certificates, earlier_certificates: Certificates, check: Check) -> None:
    """Every DNS name of the old server certificate also stands in the new one.

    A name that is forgotten in the new request is noticed when a connection fails.
    """
    if CertificateRole.SERVER not in certificates or CertificateRole.SERVER not in earlier_certificates:
        check.skip("The server certificate, or the one before it, is not attached.")
    old, new = (_hosts(held[CertificateRole.SERVER]) for held in (earlier_certificates, certificates))
    found = ", ".join(sorted(new))
    check.that("renewal.same-hosts", old <= new, "A host is lost.", expected=", ".join(sorted(old)), found=found)


@_case("renewal.overlap", "A new certificate is there before the old one ends", "renewal-leaves-a-gap")
def overlap(certificates: Certificates, earlier_certificates: Certificates, check: Check) -> None:
    """The new certificate begins before the old one ends, so that there is no hour without one.

    Between order and delivery lies about a week; the change itself also wants a day on which both are good.
    """
    for role, old, new in _pairs(certificates, earlier_certificates, check):
        check.that(
            "renewal.overlap",
            new.not_valid_before_utc <= old.not_valid_after_utc,
            f"Between the two {role} certificates lies a gap.",
            subject=role,
            expected=f"a beginning before {old.not_valid_after_utc:%Y-%m-%d %H:%MZ}",
            found=f"{new.not_valid_before_utc:%Y-%m-%d %H:%MZ}",
        )


@_case(
    "renewal.in-time",
    "No certificate ends within the week that a new one takes",
    "server-certificate-ending-soon",
    "server-certificate-expired",
)
def in_time(certificates: Certificates, clock: Clock, check: Check) -> None:
    """DVV aims to deliver a service certificate about one week after the application; cards take longer.

    A certificate that ends sooner cannot be replaced in time by the usual way. The case warns; nothing is broken yet.
    """
    for role, certificate in certificates.items():
        check.that(
            "renewal.in-time",
            certificate.not_valid_after_utc - clock.now() >= _DELIVERY,
            f"The {role} certificate ends within a week.",
            subject=str(role),
            found=f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%MZ}",
        )


@_case("renewal.chain-file", "The chain in a certificate file stands in its order", "server-chain-file-in-disorder")
def chain_file(certificate_files: Mapping[CertificateRole, bytes], check: Check) -> None:
    """Where a file holds a chain, each certificate in it was issued by the next one.

    TLS servers and clients send the file as it stands; others refuse a chain in disorder, often after a renewal only.
    """
    chains = {role: read_certificates(data) for role, data in certificate_files.items()}
    if all(len(chain) == 1 for chain in chains.values()):
        check.skip("No certificate file holds a chain.")
    for role, chain in chains.items():
        ordered = all(starmap(issued_by, pairwise(chain)))
        check.that("renewal.chain-file", ordered, f"The chain of the {role} file is in disorder.", subject=str(role))


def _pairs(
    certificates: Certificates, earlier: Certificates, check: Check
) -> Iterator[tuple[str, x509.Certificate, x509.Certificate]]:
    roles = [role for role in earlier if role in certificates]
    if not roles:
        check.skip("For no earlier certificate the present one is attached.")
    for role in roles:
        yield str(role), earlier[role], certificates[role]


def _hosts(certificate: x509.Certificate) -> set[str]:
    names = readable_extension(certificate, x509.SubjectAlternativeName)
    return {name.lower() for name in names.get_values_for_type(x509.DNSName)} if names else set()
