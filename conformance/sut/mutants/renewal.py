"""Systems that changed their certificates carelessly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from conformance.bench.forging import forged, with_attribute
from conformance.sut.facets import CertificateRole, Facet
from conformance.sut.mutants.certificates_profiles import present
from conformance.sut.mutants.model import Fault, Mutant
from conformance.sut.reference import Certificates, Reference, der
from sotepki.dvv import SOTE_SERVICES

_SERVER, _SYSTEM = CertificateRole.SERVER, CertificateRole.SYSTEM_SIGNATURE


def _before(role: CertificateRole, changes: Callable[[x509.Certificate], Mapping[str, Any]]) -> Fault:
    """An earlier certificate that differs; ``changes`` get the present one."""

    def fault(reference: Reference) -> Mapping[str, Any]:
        earlier = x509.load_der_x509_certificate(reference.earlier.held[role])
        key = reference.bench.authority_key(SOTE_SERVICES)
        made = forged(earlier, key, **changes(present(reference, role)))
        return {"earlier": Certificates({**reference.earlier.held, role: der(made)})}

    return fault


def _another_organisation(now: x509.Certificate) -> Mapping[str, Any]:
    return {"subject": with_attribute(now.subject, NameOID.SERIAL_NUMBER, "1.2.246.10.99999999.19.7")}


def _one_host_more(now: x509.Certificate) -> Mapping[str, Any]:
    names = now.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {"replace": [x509.SubjectAlternativeName([*names, x509.DNSName("vara.esimerkki.test")])]}


MUTANTS = (
    Mutant("renewal-keeps-the-key", "Orders new certificates for the old key", Facet.EARLIER,
           _before(_SERVER, lambda now: {"public_key": now.public_key()})),
    Mutant("renewal-for-another-organisation", "Orders the new certificate with another OID", Facet.EARLIER,
           _before(_SYSTEM, _another_organisation)),
    Mutant("renewal-drops-a-host", "Forgets a host name in the new request", Facet.EARLIER,
           _before(_SERVER, _one_host_more)),
    Mutant("renewal-leaves-a-gap", "Orders the new certificate after the old one has ended", Facet.EARLIER,
           _before(_SYSTEM, lambda now: {"not_after": now.not_valid_before_utc - timedelta(days=2)})),
)  # fmt: skip
"""In the order of the cases."""
