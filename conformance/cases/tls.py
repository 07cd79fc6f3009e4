"""The system as TLS client: what it presents, whom it trusts, what it speaks."""

from __future__ import annotations

import ssl

from cryptography import x509

from conformance.bench import Bench
from conformance.bench.listener import Contact, Listener, listening
from conformance.check import Check
from conformance.declaring import Area, case
from conformance.requirements import Phase
from conformance.sut.facets import Endpoint, Sends, SignatureKind, SystemUnderTest

_SECONDS = 10.0


@case(
    "tls.client-certificate",
    title="The system presents its server certificate to Kanta",
    area=Area.TLS,
    phase=Phase.SUPPLIER,
    requirements=["tls.client-certificate"],
    mutants=["client-without-certificate", "client-with-signature-certificate"],
)
def client_certificate(
    client: Sends, server_certificate: x509.Certificate, any_frame: bytes, bench: Bench, check: Check
) -> None:
    """The system sends one frame to an endpoint that asks for a client certificate.

    It must present the server certificate that it says is its own; the two are compared by their public key.
    """
    with listening(bench.kanta_identity, client_authorities=bench.trust.issuers) as listener:
        contact = _send(client, any_frame, listener, bench, check)
    presented = x509.load_der_x509_certificate(contact.certificate) if contact.certificate else None
    check.that(
        "tls.client-certificate",
        presented is not None and presented.public_key() == server_certificate.public_key(),
        "The system did not present its server certificate.",
        expected=server_certificate.subject.rfc4514_string(),
        found=presented.subject.rfc4514_string() if presented else contact.alert or "no client certificate",
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
    with listening(bench.foreign_identity, client_authorities=bench.trust.issuers) as listener:
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
    with listening(bench.other_name_identity, client_authorities=bench.trust.issuers) as listener:
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
        client_authorities=bench.trust.issuers,
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
            check.skip(f"The system could not deliver {name} to Kanta: {delivery.detail}")
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


def _send(client: Sends, frame: bytes, listener: Listener, bench: Bench, check: Check) -> Contact:
    """Let the client try to send; the first contact that came of it. A client that does not come breaks the case."""
    client.send(frame, Endpoint(listener.url, bench.trust, listener.wait_for_contact))
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
