"""Certificate requests, as the applicant would send them to DVV."""

from __future__ import annotations

from conformance.check import Check
from conformance.declaring import Area, case
from conformance.judging import RequestUnderTest
from conformance.requirements import Phase


@case(
    "csr.server.form",
    title="The request for the server certificate is well formed",
    area=Area.CSR,
    phase=Phase.PRE_TEST,
    requirements=["csr.server.form"],
    mutants=["csr-server-ip-only", "csr-server-with-unit"],
)
def server_form(server_request: RequestUnderTest, check: Check) -> None:
    """The PKCS #10 request for the server certificate is checked as DVV's e-service would read it.

    Its own signature must verify, it must name at least one domain (an IP address alone is not enough), and it must
    hold neither an e-mail address nor an organisational unit.
    """
    check.show("certificate request", server_request.content)
    check.rules("csr.server.form", server_request.report.findings, subject="server request")


@case(
    "csr.server.key",
    title="The key of the server certificate request is strong enough",
    area=Area.CSR,
    phase=Phase.PRE_TEST,
    requirements=["csr.server.key"],
    mutants=["csr-server-short-key"],
)
def server_key(server_request: RequestUnderTest, check: Check) -> None:
    """The public key in the request for the server certificate is RSA of 2048 to 4096 bits, or an accepted curve."""
    if server_request.report.csr is None:
        check.skip("The request cannot be read; see the case csr.server.form.")
    check.rules("csr.server.key", server_request.report.findings, subject="server request")


@case(
    "csr.system.form",
    title="The request for the system signature certificate is well formed",
    area=Area.CSR,
    phase=Phase.PRE_TEST,
    requirements=["csr.system.form"],
    mutants=["csr-system-changed-after-signing", "csr-system-without-oid"],
)
def system_form(system_request: RequestUnderTest, check: Check) -> None:
    """The PKCS #10 request for the system signature certificate is checked as DVV's e-service would read it.

    Its own signature must verify (proof of possession), and its subject must name the organisation, the system and
    the organisation's OID as serialNumber.
    """
    check.show("certificate request", system_request.content)
    check.rules("csr.system.form", system_request.report.findings, subject="system signature request")


@case(
    "csr.system.key",
    title="The key of the system signature certificate request is strong enough",
    area=Area.CSR,
    phase=Phase.PRE_TEST,
    requirements=["csr.system.key"],
    mutants=["csr-system-short-key"],
)
def system_key(system_request: RequestUnderTest, check: Check) -> None:
    """The public key in the request for the system signature certificate is RSA 2048 to 4096 or an accepted curve."""
    if system_request.report.csr is None:
        check.skip("The request cannot be read; see the case csr.system.form.")
    check.rules("csr.system.key", system_request.report.findings, subject="system signature request")
