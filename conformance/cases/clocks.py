"""Time: clocks that differ a little, and certificates that end while somebody works."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from conformance.bench import Bench
from conformance.bench.listener import http_answer, listening
from conformance.cases.card_desk import CONTENT
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.judging import CLOCKS_DIFFER, judged_document
from conformance.requirements import Phase
from conformance.sut.facets import Endpoint, Sends, SignatureKind, Signs, Verifies
from conformance.sut.facets_card import CardTrouble, DeskTask, WorksAtDesk
from sotepki.clock import Clock, SetClock
from sotepki.x509.ocsp_faults import OcspFaults

_ARCHIVED = http_answer("200 OK", b'{"code": "AA"}', "Content-Type: application/json")
_AHEAD = timedelta(seconds=30)
_LIVES = (1.5, 6.0)
"""Seconds that a certificate has still to live; the longer time for a system that needs it."""

_supplier = family(Area.TIME, Phase.SUPPLIER)
_cross = family(Area.TIME, Phase.CROSS)


@_supplier("time.own-clock", "The system's clock is right", "signer-clock-is-fast", "signer-timestamp-in-the-future")
def own_clock(signer: Signs, bench: Bench, clock: Clock, check: Check) -> None:
    """The system signs a document. Its signature timestamp must lie between question and answer, or a minute off.

    Timestamps are the system's own word, and nobody else dates the signature. A slow clock makes signatures that seem
    older than the document.
    """
    stamped = False
    for kind in (one for one in SignatureKind if signer.identity(one) is not None):
        identity = signer.identity(kind)
        assert identity is not None
        asked = clock.now()
        signed = judged_document(kind, signer.sign(bench.unsigned(identity), kind), None, clock)
        answered = clock.now()
        for moment in (one.time for one in signed.report.signatures if one.time is not None):
            stamped = True
            check.that(
                "time.own-clock",
                asked - CLOCKS_DIFFER <= moment <= answered + CLOCKS_DIFFER,
                "The timestamp is not the time of signing.",
                subject=kind,
                found=f"{(moment - asked).total_seconds():+.0f} seconds",
            )
    if not stamped:
        check.skip("No signature timestamp can be read; see the case signature.timestamp.")


@_supplier(
    "time.card-ends-in-session",
    "A card that ends after the login signs nothing",
    "desk-looks-at-the-end-at-login-only",
    "desk-ignores-expiry",
)
def card_ends_in_session(card_desk: WorksAtDesk, bench: Bench, clock: Clock, check: Check) -> None:
    """The person logs in with a card whose certificates end a moment later, and then signs. The system must refuse.

    Certificates end at midnight, in the middle of the night shift. A signature from after the end is void.
    """
    cards = bench.desk_cards
    for seconds in _LIVES:
        end = _whole_second(clock.now(), seconds)
        card = cards.ending(end)
        login = card_desk.work(DeskTask.LOGIN, cards.desk(card), CONTENT)
        if login.signature and clock.now() < end:
            break
    else:
        check.skip("The system does not log in with a card that is about to end, so there is no session.")
    _sleep_past(end, clock)
    desk = cards.desk(card, logged_in=True)
    outcome = card_desk.work(DeskTask.SIGN, desk, CONTENT)
    check.show("what the desk saw", desk.log())
    check.that(
        "time.card-ends-in-session",
        outcome.trouble is CardTrouble.EXPIRED and not outcome.signature,
        "The ended card was not refused for its reason.",
        expected=CardTrouble.EXPIRED,
        found=outcome.trouble or "a signature",
    )


@_supplier(
    "time.server-ends-meanwhile",
    "The system looks at the server's certificate again for every connection",
    "client-remembers-servers",
    "client-trusts-anybody",
)
def server_ends_meanwhile(client: Sends, any_frame: bytes, bench: Bench, clock: Clock, check: Check) -> None:
    """The endpoint's certificate is good at the first message and ends before the second.

    Sessions that are resumed and places that are remembered must not outlive the certificate that they rest on.
    """
    for seconds in _LIVES:
        end = _whole_second(clock.now(), seconds)
        face = bench.server_faces.ending(end)
        with listening(face, client_authorities=bench.client_authorities, answers=[_ARCHIVED]) as listener:
            endpoint = Endpoint(listener.url, bench.trust, listener.wait_for_contact)
            client.send(any_frame, endpoint)
            before = [contact for contact in listener.contacts if contact.request]
            if not before:
                continue
            _sleep_past(end, clock)
            client.send(any_frame, endpoint)
            after = [contact for contact in listener.contacts if contact.request][len(before) :]
        break
    else:
        check.skip("The system did not send its first message; see the cases of the connection to Kanta.")
    check.show("what the endpoint saw", "\n\n".join(contact.text() for contact in listener.contacts))
    check.that(
        "time.server-ends-meanwhile",
        not after,
        "The second message was sent to a server whose certificate had ended.",
        expected="1 message",
        found=f"{len(before) + len(after)} messages",
    )


@_cross("time.signer-clock-ahead", "A signer's clock may run a little ahead", "verifier-wants-equal-clocks")
def signer_clock_ahead(discerning_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The signature timestamp lies half a minute ahead of the present. The document must be accepted.

    No two clocks are equal, and a document travels in less than a second. How much Kanta allows is not public.
    """
    document = bench.documents.signed_at(bench.clock.now() + _AHEAD)
    answer = discerning_verifier.verify(document, bench.trust_now())
    check.that(
        "time.signer-clock-ahead",
        answer.accepted,
        "A sound document of half a minute ahead was refused.",
        found="; ".join(answer.reasons),
    )


@_cross("time.answer-ahead", "A responder's clock may run a little ahead", "asker-wants-equal-clocks")
def answer_ahead(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The thisUpdate of a good answer lies half a minute ahead. The document must be accepted.

    Responders write the time of their own clock; a system that insists on its own refuses sound documents at random.
    """
    service = bench.publication
    asked = service.document()
    with service.failing(OcspFaults(this_update_shift=_AHEAD, produced_at_shift=_AHEAD)):
        answer = status_verifier.verify(asked.document, service.trust)
    check.that(
        "time.answer-ahead",
        answer.accepted,
        "A good answer of half a minute ahead was refused.",
        found="; ".join(answer.reasons),
    )


def _whole_second(now: datetime, seconds: float) -> datetime:
    """``seconds`` after ``now``, rounded up to a whole second: certificates know no fractions."""
    end = now + timedelta(seconds=seconds)
    return end.replace(microsecond=0) + timedelta(seconds=bool(end.microsecond))


def _sleep_past(end: datetime, clock: Clock) -> None:
    """Wait until a certificate that ends at a moment has ended; the moment itself still counts (RFC 5280 4.1.2.5).

    A bench whose clock stands is moved there: by waiting the moment would never come.
    """
    while (left := end + timedelta(seconds=1) - clock.now()) > timedelta(0):
        if isinstance(clock, SetClock):
            clock.advance(left)
        else:
            time.sleep(left.total_seconds())
