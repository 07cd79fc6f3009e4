"""What the cases on a server certificate judge: what DVV has written fails, a form that was only seen does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import x509_world as w
from cryptography import x509
from cryptography.x509.oid import NameOID

from conformance.cases import certificates, certificates_profiles
from conformance.check import Check
from conformance.declaring import case_of
from conformance.requirements import requirements
from conformance.verdicts import CaseVerdict
from sotepki.x509.extensions import key_usage_of

Judge = Callable[[x509.Certificate, Check], None]


def with_key_usage(*usages: str) -> x509.Certificate:
    return w.odd_server_certificate(other=key_usage_of(usages))


@pytest.mark.parametrize(
    ("judge", "make", "verdict"),
    [
        (
            certificates_profiles.server_subject_extra,
            lambda: w.odd_server_certificate(more=(NameOID.ORGANIZATIONAL_UNIT_NAME, "IT")),
            CaseVerdict.FAIL,
        ),
        (
            certificates_profiles.server_subject_extra,
            lambda: w.odd_server_certificate(more=(NameOID.SERIAL_NUMBER, "1234567-1")),
            CaseVerdict.PASS,
        ),
        (certificates.server_profile, lambda: with_key_usage("keyEncipherment"), CaseVerdict.FAIL),
        # A general service certificate of DVV has both bits beside clientAuth (docs/field/pki.md 5.11).
        (certificates.server_profile, lambda: with_key_usage("digitalSignature", "nonRepudiation"), CaseVerdict.PASS),
    ],
    ids=["unit", "serial-number", "no-signatures", "non-repudiation"],
)
def test_a_server_certificate_fails_only_by_what_is_written(
    judge: Judge, make: Callable[[], x509.Certificate], verdict: CaseVerdict
) -> None:
    declared = case_of(judge)
    assert declared is not None
    check = Check(declared, requirements())
    judge(make(), check)
    assert check.result(1).verdict is verdict
