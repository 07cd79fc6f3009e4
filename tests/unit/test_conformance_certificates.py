"""What the cases on a server certificate judge: what DVV has written fails, a form that was only seen does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest
import x509_world as w
from cryptography import x509
from cryptography.x509.oid import NameOID

from conformance.bench import Bench
from conformance.bench.calling import Call, Caller
from conformance.cases import certificates, certificates_profiles, tls_server
from conformance.check import Check
from conformance.declaring import case_of
from conformance.requirements import requirements
from conformance.sut.facets_tls_server import TlsAddress
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


@pytest.mark.parametrize(
    ("named", "host", "verdict"),
    [
        ("palvelu.test.example", "palvelu.test.example", CaseVerdict.PASS),
        ("Palvelu.TEST.example", "palvelu.test.example", CaseVerdict.PASS),
        ("palvelu.test.example", "PALVELU.test.example", CaseVerdict.PASS),
        ("*.test.example", "palvelu.test.example", CaseVerdict.PASS),
        ("*.Test.example", "palvelu.test.EXAMPLE", CaseVerdict.PASS),
        ("*.test.example", "a.palvelu.test.example", CaseVerdict.FAIL),
        ("*.test.example", "test.example", CaseVerdict.FAIL),
        ("*.test.example", ".test.example", CaseVerdict.FAIL),
        ("p*.test.example", "palvelu.test.example", CaseVerdict.FAIL),
        ("palvelu.*.example", "palvelu.test.example", CaseVerdict.FAIL),
        ("muu.test.example", "palvelu.test.example", CaseVerdict.FAIL),
    ],
)
def test_the_name_of_an_endpoint_is_compared_as_clients_compare_it(
    named: str, host: str, verdict: CaseVerdict
) -> None:
    """RFC 9525 6.3: case counts for nothing, and "*" alone stands for the whole leftmost label and no more."""
    shown = w.odd_server_certificate(other=x509.SubjectAlternativeName([x509.DNSName(named)]))

    class Shown(Caller):
        def call(self, *_: object, **__: object) -> Call:
            return Call(made=True, answered=True, chain=(shown,))

    class NoBench:
        kanta_identity = None

    declared = case_of(tls_server.name)
    assert declared is not None
    check = Check(declared, requirements())
    tls_server.name(Shown(TlsAddress("127.0.0.1", 443, host)), cast(Bench, NoBench()), check)
    assert check.result(1).verdict is verdict
