"""The system as TLS client: what it presents, whom it trusts, what it speaks."""

from __future__ import annotations

import re
import ssl
from contextlib import AbstractContextManager
from typing import Any

from cryptography import x509

from conformance.bench import Bench
from conformance.bench.listener import Contact, Listener, ServerIdentity, http_answer, listening
from conformance.check import Check
from conformance.declaring import Area, case, family
from conformance.requirements import Phase
from conformance.sut.facets import Endpoint, Sends, SignatureKind, SystemUnderTest
from sotepki.x509.names import readable

_SECONDS = 10.0
_CERTIFICATE_IN_HEAD = re.compile(rb"BEGIN(?: |%20|\\+)CERTIFICATE|MII[A-Za-z0-9+/=%]{300,}")

_case = family(Area.TLS, Phase.SUPPLIER)


@case(
    "tls.client-certificate",
    title="The system presents its server certificate to Kanta",
    area=Area.TLS,
    phase=Phase.SUPPLIER,
    requirements=["tls.client-certificate"],
    mutants=["client-without-certificate", "client-with-signature-certificate", "server-certificate-short-key"],
)
def client_certificate(
    client: Sends, server_certificate: x509.Certificate, any_frame: bytes, bench: Bench, check: Check
) -> None:
    """The system sends one frame to an endpoint that asks for a client certificate.

    It must present the server certificate that it says is its own; the two are compared by their public key.
    """
    with listening(bench.kanta_identity, client_authorities=bench.client_authorities) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    presented = x509.load_der_x509_certificate(contact.certificate) if contact.certificate else None
    check.that(
        "tls.client-certificate",
        presented is not None and presented.public_key() == server_certificate.public_key(),
        "The system did not present its server certificate.",
        expected=readable(server_certificate.subject),
        found=readable(presented.subject) if presented else contact.alert or "no client certificate",
    )


@case(
    "tls.refuses-foreign-authority",
    title="The system refuses a Kanta of a foreign authority",
    area=Area.TLS,
    phase=Phase.SUPPLIER,
    requirements=["tls.refuse-foreign-authority"],
    mutants=["client-trusts-anybody"],
)
def refuses_foreign_authority(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint shows a certificate with the right name, issued by an authority that nobody trusts.

    The system must break off before it sends the message: client data would go to a stranger.
    """
    with listening(bench.foreign_identity, client_authorities=bench.client_authorities) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    _broke_off(check, "tls.refuse-foreign-authority", contact)


@case(
    "tls.refuses-other-name",
    title="The system refuses a Kanta with another name",
    area=Area.TLS,
    phase=Phase.SUPPLIER,
    requirements=["tls.refuse-other-name"],
    mutants=["client-trusts-anybody", "client-ignores-the-name"],
)
def refuses_other_name(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint shows a certificate of the right authority that was issued for another host.

    Any organisation with a server certificate could otherwise stand between the system and Kanta.
    """
    with listening(bench.other_name_identity, client_authorities=bench.client_authorities) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    _broke_off(check, "tls.refuse-other-name", contact)


@case(
    "tls.minimum-version",
    title="The system does not speak TLS 1.1",
    area=Area.TLS,
    phase=Phase.SUPPLIER,
    requirements=["tls.minimum-version"],
    mutants=["client-speaks-old-tls"],
)
def minimum_version(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint speaks TLS 1.0 and 1.1 only. The system must not agree to either.

    That Kanta asks for TLS 1.2 is recalled, not read in a public text; so this case can warn and never fail.
    """
    with listening(
        bench.kanta_identity,
        client_authorities=bench.client_authorities,
        oldest=ssl.TLSVersion.TLSv1,
        newest=ssl.TLSVersion.TLSv1_1,
    ) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    check.that(
        "tls.minimum-version",
        not contact.handshake,
        f"The system sent its message over {contact.version}.",
        expected="no connection below TLS 1.2",
        found=contact.version or "no connection",
    )


@case(
    "kanta.acknowledgement",
    title="The system believes Kanta's acknowledgement and nothing else",
    area=Area.TLS,
    phase=Phase.SUPPLIER,
    requirements=["kanta.acknowledgement"],
    mutants=["client-reads-status-only"],
)
def acknowledgement(client: Sends, sut: SystemUnderTest, bench: Bench, check: Check) -> None:
    """The system sends two frames to the emulated Kanta: a document of its own, and one that Kanta must refuse.

    Kanta refuses a frame of an organisation that the system may not send for, with an acknowledgement under HTTP 200.
    What the system then believes (archived or refused) is compared with what Kanta did. The first frame is left out
    if the suite cannot make the system sign and frame a document.
    """
    sent = {"a frame of another organisation": bench.some_frame}
    if sut.signer and sut.framer and (identity := sut.signer.identity(SignatureKind.SYSTEM)):
        signed = sut.signer.sign(bench.unsigned(identity), SignatureKind.SYSTEM)
        sent = {"a frame of its own": sut.framer.frame(signed), **sent}
    for name, frame in sent.items():
        delivery = client.send(frame, bench.kanta_endpoint)
        if not delivery.connected:
            check.skip(
                f"The system could not deliver {name} to Kanta, which lets in clients of the suite's own authorities "
                f"only, as with certificate and key of the question. {delivery.detail}".rstrip()
            )
        if delivery.accepted is None:
            check.skip("The system does not say what it makes of the answer.")
        outcome = bench.kanta_outcome()
        check.show(name, f"Kanta answered {outcome}; the system holds it for "
                         f"{'archived' if delivery.accepted else 'refused'}. {delivery.detail}")  # fmt: skip
        check.that(
            "kanta.acknowledgement",
            delivery.accepted == (outcome == "AA"),
            "The system believes something else than what Kanta acknowledged.",
            subject=name,
            expected="archived" if outcome == "AA" else f"refused ({outcome})",
            found="archived" if delivery.accepted else "refused",
        )


@_case("tls.refuses-expired", "The system refuses a Kanta whose certificate has ended", "client-trusts-anybody")
def refuses_expired(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint shows a certificate of the right authority and name that ended an hour ago.

    Nobody publishes any more whether an ended certificate was stolen; the system must break off.
    """
    _must_break_off(client, any_frame, bench, check, bench.server_faces.expired)


@_case("tls.refuses-early", "The system refuses a Kanta whose certificate has not begun", "client-trusts-anybody")
def refuses_early(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint shows a certificate that begins in an hour. Either it is not to be used yet or a clock is wrong.

    The system must break off; a system that fails here alone should look at its clock and zone.
    """
    _must_break_off(client, any_frame, bench, check, bench.server_faces.early)


@_case("tls.refuses-self-signed", "The system refuses a self-signed Kanta", "client-trusts-anybody")
def refuses_self_signed(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint shows a certificate that it has signed itself, with the right host name.

    Anybody can make one; the system must not offer to go on either.
    """
    _must_break_off(client, any_frame, bench, check, bench.server_faces.self_signed)


@_case(
    "tls.refuses-client-only", "The system refuses a Kanta with a certificate for clients", "client-trusts-anybody"
)
def refuses_client_only(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint shows a certificate of the right authority whose only purpose is clientAuth.

    Every provider has such a certificate; none of them may pass for a server with it.
    """
    _must_break_off(client, any_frame, bench, check, bench.server_faces.client_only)


@_case(
    "tls.ignores-common-name",
    "The system looks for the host among the DNS names",
    "client-trusts-anybody",
    "client-ignores-the-name",
)
def ignores_common_name(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint's certificate has the right host as common name only; its DNS name is another one.

    The common name is for people. A client compares DNS names, and must break off here.
    """
    _must_break_off(client, any_frame, bench, check, bench.server_faces.name_in_common_name_only)


@_case(
    "tls.refuses-revoked",
    "The system refuses a Kanta whose certificate is revoked",
    "client-asks-no-responder",
)
def refuses_revoked(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint's certificate names a responder of the bench, which says that it was revoked an hour ago.

    Many TLS libraries never ask. That Kela wants it is not known, so the case warns and never fails.
    """
    _must_break_off(client, any_frame, bench, check, bench.server_faces.revoked)


@_case("tls.server-name", "The system names the host that it wants", "client-sends-no-server-name")
def server_name(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The first message of the handshake must name the host (SNI), as it stands in the configured address.

    Services behind one address show another certificate, or none, to clients that do not.
    """
    contact = _greet(client, any_frame, bench, check)
    found = contact.hello.server_name
    check.that("tls.server-name", found == "localhost", "The host is not named.", expected="localhost", found=found)


@_case(
    "tls.no-broken-suites",
    "The system offers no broken cipher suites",
    "client-offers-broken-suites",
    "client-speaks-old-tls",
)
def no_broken_suites(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The first message lists the cipher suites of the client. None may lack encryption or certificates.

    RC4, DES, triple DES and suites of export strength do not belong there either. Kela's list is unknown.
    """
    broken = _greet(client, any_frame, bench, check).hello.broken_suites
    check.that("tls.no-broken-suites", not broken, "Broken cipher suites are offered.", found=", ".join(broken))


@_case("tls.forward-secrecy", "The system offers suites with forward secrecy", "client-without-forward-secrecy")
def forward_secrecy(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """Among the suites that the client offers is one with an ephemeral key exchange, as every suite of TLS 1.3 has.

    Without it, whoever records the traffic now can read it when the server's key is stolen later.
    """
    offered = _greet(client, any_frame, bench, check).hello.forward_secret
    check.that("tls.forward-secrecy", offered, "No suite with forward secrecy is offered.")


@_case("tls.speaks-1.2", "The system still speaks TLS 1.2", "client-speaks-newest-only")
def speaks_1_2(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint speaks TLS 1.2 only, recalled as the least that Kanta asks for. The system must connect.

    A client of TLS 1.3 alone would be shut out.
    """
    with _listening(bench, newest=ssl.TLSVersion.TLSv1_2) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    check.that("tls.speaks-1.2", contact.handshake, "The system did not connect by TLS 1.2.", found=contact.alert)


@_case(
    "tls.sends-chain",
    "The system sends the chain of its certificate",
    "client-sends-no-chain",
    "client-without-certificate",
)
def sends_chain(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint knows the root alone. The system must send its issuing authority's certificate along with its own.

    A server that does not keep every issuing authority at hand can otherwise not verify the client.
    """
    with _listening(bench, client_authorities=bench.client_roots) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    came = bool(contact.certificate)
    check.that("tls.sends-chain", came, "The certificate came without its chain, or not at all.", found=contact.alert)


@_case(
    "tls.certificate-in-handshake-only",
    "The system shows its certificate in the handshake and nowhere else",
    "client-puts-certificate-into-header",
)
def certificate_in_handshake_only(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint asks for no client certificate. No certificate may stand in the head of the request either.

    Such header lines are written by proxies, for the servers behind them. From a client they are a forgery, and a
    server that believes them has believed it.
    """
    with _listening(bench, asks=False) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    if not contact.request:
        check.skip("The system sends nothing to an endpoint that asks for no certificate, which is its right.")
    named = _CERTIFICATE_IN_HEAD.search(contact.head)
    check.that(
        "tls.certificate-in-handshake-only",
        named is None,
        "A certificate stands in the head of the request.",
        found=named[0][:60].decode("ascii", "replace") if named else "",
    )


@_case("tls.without-resumption", "The system needs no resumed sessions", "client-insists-on-resumption")
def without_resumption(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint gives no tickets, so that every connection begins with a whole handshake. Two messages must come.

    Load balancers and restarts forget sessions; a client must not depend on them.
    """
    with _listening(bench, tickets=0) as listener:
        for _ in range(2):
            _send(client, any_frame, listener, bench, check)
    made = sum(contact.handshake for contact in listener.contacts)
    check.that(
        "tls.without-resumption", made >= 2, "A second connection was not made.", expected="2", found=str(made)
    )


@_case("tls.follows-no-redirect", "The system follows no redirect to another place", "client-follows-redirects")
def follows_no_redirect(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint answers with HTTP status 307 and the address of a second endpoint.

    A message with client data goes to the configured address and nowhere else, whatever an answer says.
    """
    with _listening(bench) as elsewhere:
        moved = http_answer("307 Temporary Redirect", b"", f"Location: {elsewhere.url}")
        with _listening(bench, answers=[moved]) as listener:
            _send(client, any_frame, listener, bench, check)
    sent = sum(contact.request for contact in elsewhere.contacts)
    check.that("tls.follows-no-redirect", not sent, "The message was sent to the other place.", found=f"{sent} bytes")


@_case("tls.no-fallback", "The system never falls back to a connection without TLS", "client-falls-back-to-http")
def no_fallback(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint cuts the line at the first message of every handshake, as somebody on the way could.

    The system must give up. A second attempt without TLS would hand the message to whoever cut the line.
    """
    with _listening(bench, slams=True) as listener:
        _send(client, any_frame, listener, bench, check)
    plain = sum(contact.plain for contact in listener.contacts)
    check.that("tls.no-fallback", not plain, "The system spoke without TLS.", found=f"{plain} bytes")


def _listening(bench: Bench, **how: Any) -> AbstractContextManager[Listener]:
    """The right endpoint, with ``how`` it differs."""
    return listening(bench.kanta_identity, **{"client_authorities": bench.client_authorities, **how})


def _greet(client: Sends, frame: bytes, bench: Bench, check: Check) -> Contact:
    with _listening(bench) as listener:
        return _send(client, frame, listener, bench, check)


def _must_break_off(client: Sends, frame: bytes, bench: Bench, check: Check, face: ServerIdentity) -> None:
    with listening(face, client_authorities=bench.client_authorities) as listener:
        contact = _send(client, frame, listener, bench, check)
    _broke_off(check, check.case.requirements[0], contact)


def _send(client: Sends, frame: bytes, listener: Listener, bench: Bench, check: Check) -> Contact:
    """Let the client try to send; the first contact that came of it. A client that does not come breaks the case."""
    delivery = client.send(frame, Endpoint(listener.url, bench.trust, listener.wait_for_contact))
    if delivery.detail:
        check.show("what the system says", delivery.detail)
    if not listener.wait_for_contact(_SECONDS):
        check.failed(
            "The system did not try to connect to the given address.",
            "See whether it uses the address that it is given.",
        )
        return Contact()
    contact = max(listener.contacts, key=lambda c: (c.request, c.handshake))
    check.show("what the endpoint saw", contact.text())
    return contact


def _broke_off(check: Check, requirement: str, contact: Contact) -> None:
    check.that(
        requirement,
        contact.request == 0,
        "The system sent its message to an endpoint that it must not trust.",
        expected="the handshake is broken off, nothing is sent",
        found=f"{contact.request} bytes sent over {contact.version}" if contact.request else contact.alert,
    )
