"""The system's own TLS endpoint, where Kanta or another system connects to it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, starmap

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from conformance.bench import Bench
from conformance.bench.calling import Caller
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from sotepki.x509.extension_lookup import readable_extension
from sotepki.x509.issuer import issued_by

_case = family(Area.TLS_SERVER, Phase.SUPPLIER)


@_case("tls-server.lets-in", "The endpoint lets in a client of the test hierarchy", "endpoint-refuses-everybody")
def lets_in(caller: Caller, bench: Bench, check: Check) -> None:
    """The bench connects with a server certificate of the test hierarchy as its client certificate.

    The handshake must succeed, and one request be answered in whatever way. The other cases differ in one thing each.
    """
    call = caller.call(bench.kanta_identity)
    check.that("tls-server.lets-in", call.answered, "A rightful client is not let in.", found=call.problem)


@_case("tls-server.no-old-versions", "The endpoint does not speak TLS 1.1", "endpoint-speaks-old-tls")
def no_old_versions(caller: Caller, bench: Bench, check: Check) -> None:
    """The bench offers TLS 1.0 and 1.1 only. The endpoint must not agree to either.

    That TLS 1.2 is the least is recalled, not read in a public text of Kela, so the case warns.
    """
    call = caller.call(bench.kanta_identity, old=True)
    check.that("tls-server.no-old-versions", not call.made, "An old version was agreed on.", found=call.version)


@_case("tls-server.no-broken-suites", "The endpoint agrees to no broken suite", "endpoint-takes-broken-suites")
def no_broken_suites(caller: Caller, bench: Bench, check: Check) -> None:
    """The bench offers suites without encryption only. There must be no connection.

    An endpoint that takes them lets anybody on the way read and write.
    """
    call = caller.call(bench.kanta_identity, suites="eNULL:!aNULL:@SECLEVEL=0")
    check.that("tls-server.no-broken-suites", not call.made, "A broken suite was agreed on.", found=call.suite)


@_case("tls-server.chain", "The endpoint sends its chain in order", "endpoint-sends-no-chain")
def chain(caller: Caller, bench: Bench, check: Check) -> None:
    """The endpoint sends its certificate first and behind it the authority that issued it; the root may be left out.

    A client that knows the root alone can then build the path.
    """
    sent = _sent(caller, bench, check)
    ordered = len(sent) > 1 and all(starmap(issued_by, pairwise(sent)))
    found = f"{len(sent)} certificates"
    check.that("tls-server.chain", ordered, "The chain is missing or in disorder.", found=found)


@_case("tls-server.name", "The endpoint's certificate names its host", "endpoint-with-signature-certificate")
def name(caller: Caller, bench: Bench, check: Check) -> None:
    """Among the DNS names of the endpoint's certificate is the host by which it is called.

    Whoever connects compares the two without regard to case, and must break off if they differ. A leftmost label "*"
    stands for exactly one label.
    """
    sent = _sent(caller, bench, check)
    names = readable_extension(sent[0], x509.SubjectAlternativeName)
    hosts = names.get_values_for_type(x509.DNSName) if names else []
    wanted = caller.address.server_name
    found = ", ".join(hosts)
    named = any(_names(host, wanted) for host in hosts)
    check.that("tls-server.name", named, "Its host is not named.", expected=wanted, found=found)


@_case("tls-server.purpose", "The endpoint's certificate is for servers", "endpoint-with-signature-certificate")
def purpose(caller: Caller, bench: Bench, check: Check) -> None:
    """The extended key usage of the endpoint's certificate holds serverAuth, which is chosen on the application.

    A certificate for clients alone, or for signatures, is refused by whoever connects.
    """
    sent = _sent(caller, bench, check)
    purposes = readable_extension(sent[0], x509.ExtendedKeyUsage)
    fit = purposes is not None and ExtendedKeyUsageOID.SERVER_AUTH in purposes
    check.that("tls-server.purpose", fit, "The certificate is not for servers.", expected="serverAuth")


@_case(
    "tls-server.wants-certificate",
    "The endpoint refuses clients without certificate",
    "endpoint-takes-anybody",
    "endpoint-asks-for-nothing",
)
def wants_certificate(mutual_caller: Caller, check: Check) -> None:
    """The bench connects without a client certificate and sends a request. It must not be answered.

    Between Kanta and a system both sides show who they are.
    """
    call = mutual_caller.call(None)
    check.that("tls-server.wants-certificate", not call.answered, "A client without certificate was answered.")


@_case(
    "tls-server.refuses-foreign", "The endpoint refuses a client of a foreign authority", "endpoint-asks-for-nothing"
)
def refuses_foreign(mutual_caller: Caller, bench: Bench, check: Check) -> None:
    """The bench shows a client certificate whose issuer only bears the name of the test authority.

    Names are free; the signature must lead to a trusted root.
    """
    call = mutual_caller.call(bench.foreign_identity)
    check.that("tls-server.refuses-foreign", not call.answered, "A foreign client was answered.")


@_case(
    "tls-server.refuses-expired",
    "The endpoint refuses a client whose certificate has ended",
    "endpoint-asks-for-nothing",
)
def refuses_expired(mutual_caller: Caller, bench: Bench, check: Check) -> None:
    """The bench shows a client certificate of the right authority that ended an hour ago.

    Nobody publishes any more whether it was stolen.
    """
    call = mutual_caller.call(bench.server_faces.expired)
    check.that("tls-server.refuses-expired", not call.answered, "An ended certificate was let in.")


@_case("tls-server.says-goodbye", "The endpoint ends a connection with a goodbye", "endpoint-cuts-the-line")
def says_goodbye(caller: Caller, bench: Bench, check: Check) -> None:
    """After the answer the endpoint sends close_notify before it closes the line.

    Without it the client cannot tell an end from a cut, and an answer may have been shortened on the way.
    """
    call = caller.call(bench.kanta_identity)
    check.that("tls-server.says-goodbye", call.goodbye or not call.answered, "The line was cut without a goodbye.")


def _names(pattern: str, host: str) -> bool:
    """Whether a DNS name of a certificate is that of the host (RFC 9525 6.3)."""
    pattern, host = pattern.lower(), host.lower()
    first, _, parents = host.partition(".")
    return pattern == host or (bool(first and parents) and pattern == f"*.{parents}")


def _sent(caller: Caller, bench: Bench, check: Check) -> Sequence[x509.Certificate]:
    """The certificates that the endpoint shows to a rightful client."""
    call = caller.call(bench.kanta_identity)
    if not call.chain:
        check.skip("The endpoint shows no certificate; see the case tls-server.lets-in.")
    return call.chain
