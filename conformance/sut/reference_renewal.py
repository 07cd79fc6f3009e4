"""The certificates that the reference system had before its present ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from conformance.bench import Bench
from conformance.bench.forging import forged
from conformance.sut.facets import CertificateRole
from sotepki.dvv import SOTE_SERVICES
from sotepki.journey.service_provider import ProviderSystem

_OVERLAP = timedelta(days=30)


def earlier_certificates(bench: Bench, provider: ProviderSystem) -> Mapping[CertificateRole, bytes]:
    """For each service certificate one that bears the same names for another key and ends a month into its time."""
    key = bench.authority_key(SOTE_SERVICES)
    held = {
        CertificateRole.SERVER: provider.server.certificate,
        CertificateRole.SYSTEM_SIGNATURE: provider.system_signature.certificate,
    }
    return {
        role: forged(
            certificate,
            key,
            public_key=rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key(),
            not_before=certificate.not_valid_before_utc - timedelta(days=335),
            not_after=certificate.not_valid_before_utc + _OVERLAP,
        ).public_bytes(Encoding.DER)
        for role, certificate in held.items()
    }
