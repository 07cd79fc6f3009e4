"""Certificate requests, as the applicant would send them to DVV."""

from __future__ import annotations

from conformance.check import Check
from conformance.declaring import Area, family
from conformance.judging import RequestUnderTest
from conformance.requirements import Phase

_case = family(Area.CSR, Phase.PRE_TEST)


@_case("csr.server.form", "The request for the server certificate can be read", "csr-server-with-private-key")
def server_form(server_request: RequestUnderTest, check: Check) -> None:
    """The file is read as DVV's e-service would read it: one PKCS #10 request, in PEM or DER, to its end.

    A private key in the file breaks the case too: whoever has sent one must make another.
    """
    check.show("certificate request", b"" if b"PRIVATE KEY" in server_request.content else server_request.content)
    check.rules("csr.server.form", server_request.report.findings, subject="server request")


@_case("csr.server.signature", "The server request proves possession of its key", "csr-server-changed-after-signing")
def server_signature(server_request: RequestUnderTest, check: Check) -> None:
    """The request's own signature must verify with the key in it: it proves that the applicant holds the key.

    A request that somebody has edited is refused for this, however small the change.
    """
    _judge(server_request, check)


@_case("csr.server.hash", "The server request is not signed with SHA-1", "csr-server-signed-with-sha1")
def server_hash(server_request: RequestUnderTest, check: Check) -> None:
    """Old programs still sign requests with SHA-1 or MD5, which prove nothing any more.

    What DVV asks here is not known, so the case warns and never fails.
    """
    _judge(server_request, check)


@_case("csr.server.key", "The key of the server request is strong enough", "csr-server-short-key")
def server_key(server_request: RequestUnderTest, check: Check) -> None:
    """The public key in the request for the server certificate is RSA of 2048 bits or more, or an accepted curve."""
    _judge(server_request, check)


@_case("csr.server.exponent", "The RSA key of the server request has a sound exponent", "csr-server-exponent-three")
def server_exponent(server_request: RequestUnderTest, check: Check) -> None:
    """An RSA key with the public exponent 3 turns small mistakes of other programs into forged signatures.

    The exponent must be 65537 or a larger odd number, as every program makes it by default.
    """
    _judge(server_request, check)


@_case("csr.server.unbroken-key", "The key of the server request cannot be broken", "csr-server-close-primes")
def server_unbroken_key(server_request: RequestUnderTest, check: Check) -> None:
    """Some programs and cards have made RSA keys that anybody can compute from the public half.

    Looked for are small factors, factors that lie close together, and the fingerprint of the broken library of 2017.
    """
    _judge(server_request, check)


@_case("csr.server.domain", "The server request names a domain", "csr-server-ip-only")
def server_domain(server_request: RequestUnderTest, check: Check) -> None:
    """DVV issues no server certificate for an IP address alone, since September 2023.

    At least one domain name must stand in the request, as DNS name or as common name.
    """
    _judge(server_request, check)


@_case(
    "csr.server.host-name",
    "The server request names full hosts",
    "csr-server-with-bare-host",
    "csr-server-ip-as-dns-name",
)
def server_host_name(server_request: RequestUnderTest, check: Check) -> None:
    """Every DNS name of the request is a whole host name in the letters of DNS.

    A short name of an inner network, or an address written as a name, cannot be compared with anything by a client.
    """
    _judge(server_request, check)


@_case("csr.server.common-name", "The common name is also a DNS name", "csr-server-common-name-only")
def server_common_name(server_request: RequestUnderTest, check: Check) -> None:
    """The host in the common name is repeated as DNS name in the requested alternative names.

    Clients have looked at DNS names alone for years; a certificate without them opens no connection.
    """
    _judge(server_request, check)


@_case("csr.server.wildcard", "The server request names its hosts one by one", "csr-server-wildcard")
def server_wildcard(server_request: RequestUnderTest, check: Check) -> None:
    """A wildcard name lets every host of a domain pass for the system.

    Whether DVV issues such certificates for social welfare and health care is not known, so this case only warns.
    """
    _judge(server_request, check)


@_case("csr.server.unit", "The server request has no organisational unit", "csr-server-with-unit")
def server_unit(server_request: RequestUnderTest, check: Check) -> None:
    """Server certificates carry no OU since September 2022; a request with one is sent back.

    Templates of older years still add it by themselves.
    """
    _judge(server_request, check)


@_case(
    "csr.server.email",
    "The server request has no e-mail address",
    "csr-server-with-email-in-subject",
    "csr-server-with-email-as-name",
)
def server_email(server_request: RequestUnderTest, check: Check) -> None:
    """Server certificates carry no e-mail address since September 2023, neither in the subject nor beside DNS names.

    Programs that ask for an address while they make a request put it in without a word.
    """
    _judge(server_request, check)


@_case(
    "csr.server.subject",
    "The server request names the organisation in full",
    "csr-server-without-organisation",
    "csr-server-of-another-country",
)
def server_subject(server_request: RequestUnderTest, check: Check) -> None:
    """DVV fills its form from the request: country FI, state, locality, the organisation, host.

    What is missing holds the application up; what the certificate will not carry is dropped, or asked about.
    """
    _judge(server_request, check)


@_case("csr.server.no-authority", "The server request asks for no authority", "csr-server-asks-for-authority")
def server_no_authority(server_request: RequestUnderTest, check: Check) -> None:
    """A request that was made with the template of an in-house authority asks for basicConstraints CA:TRUE.

    Nobody issues that; the request must be for an end entity.
    """
    _judge(server_request, check)


@_case(
    "csr.system.form",
    "The request for the system signature certificate is whole",
    "csr-system-changed-after-signing",
    "csr-system-is-a-certificate",
)
def system_form(system_request: RequestUnderTest, check: Check) -> None:
    """The file is one PKCS #10 request whose own signature verifies, which proves possession of the key.

    A certificate or an edited request in its place is a common mistake of the day of ordering.
    """
    check.show("certificate request", system_request.content)
    check.rules("csr.system.form", system_request.report.findings, subject="system signature request")


@_case("csr.system.key", "The key of the system signature request is strong enough", "csr-system-short-key")
def system_key(system_request: RequestUnderTest, check: Check) -> None:
    """The key will sign documents that are kept for decades: RSA of 2048 bits or more, or an accepted curve.

    Its exponent and its making are looked at as those of the server's key are.
    """
    _judge(system_request, check)


@_case(
    "csr.system.subject",
    "The system signature request names the organisation by its OID",
    "csr-system-without-oid",
    "csr-system-with-business-id",
)
def system_subject(system_request: RequestUnderTest, check: Check) -> None:
    """The subject names the organisation, the system, and the organisation's OID as serialNumber.

    A business ID in the place of the OID gives a certificate whose signatures do not fit the custodian of a document.
    """
    _judge(system_request, check)


@_case("csr.system.email", "The system signature request has no e-mail address", "csr-system-with-email")
def system_email(system_request: RequestUnderTest, check: Check) -> None:
    """E-mail addresses went out of system signature certificates in 2023; a request needs none.

    An address ties the certificate to a person who will leave.
    """
    _judge(system_request, check)


@_case("csr.own-keys", "Each request has a key of its own", "csr-system-with-the-server-key")
def own_keys(server_request: RequestUnderTest, system_request: RequestUnderTest, check: Check) -> None:
    """The keys of the server request and of the system signature request are compared.

    The server's key lies on a machine that faces the network. Whoever steals it must not be able to sign documents.
    """
    server, system = server_request.report.csr, system_request.report.csr
    if server is None or system is None:
        check.skip("A request cannot be read, so its key cannot be compared.")
        return
    check.that(
        "csr.own-keys",
        server.public_key() != system.public_key(),
        "Both requests are for the same key.",
        expected="two keys",
        found="one key",
    )


def _judge(request: RequestUnderTest, check: Check) -> None:
    """Hold the one requirement of the case against what was found in a request that can be read."""
    if request.report.csr is None:
        check.skip("The request cannot be read; see the cases csr.server.form and csr.system.form.")
    check.rules(check.case.requirements[0], request.report.findings, subject=check.case.id.split(".")[1] + " request")
