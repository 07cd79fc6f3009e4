"""Manners under load: what the system does when the other side is slow, busy, or loses an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

from conformance.bench import Bench
from conformance.bench.listener import Contact, http_answer, listening
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets import Delivery, Endpoint, Sends

_case = family(Area.LOAD, Phase.SUPPLIER)

_ARCHIVED = http_answer("200 OK", b'{"code": "AA"}', "Content-Type: application/json")
_BUSY = http_answer("503 Service Unavailable", b"", "Retry-After: 120")
_KEPT = http_answer("200 OK", b'{"code": "AA"}', "Content-Type: application/json", close=False)
_LOST = b""
_MOST_ATTEMPTS = 5
_SLOW, _BRIEF = 0.4, 0.14
_SHORTEST, _DELAY = 0.045, 0.5
"""Seconds: the least that is a pause, and what a busy machine may add to one."""


@_case("load.gives-up", "The system stops when it is told to wait", "client-floods")
def gives_up(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """Every attempt is answered with HTTP status 503 and "come again in two minutes".

    A few attempts are seen in practice; more are a flood that keeps Kanta down. How many Kela allows is not known.
    """
    contacts, _ = _meet(client, any_frame, bench, check, [_BUSY])
    found = f"{len(contacts)} attempts"
    few = len(contacts) <= _MOST_ATTEMPTS
    check.that("load.gives-up", few, "The system goes on and on.", expected=f"{_MOST_ATTEMPTS} at most", found=found)


@_case(
    "load.busy-is-not-archived", "The system does not take a busy Kanta for an answer", "client-takes-503-for-done"
)
def busy_is_not_archived(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint answers with HTTP status 503. The message is neither archived nor refused.

    It must stay in the system's queue; a message that is held for archived here is lost.
    """
    _, delivery = _meet(client, any_frame, bench, check, [_BUSY])
    check.that("load.busy-is-not-archived", not delivery.accepted, "The system holds the message for archived.")


@_case("load.sends-again", "The system sends again when the answer was lost", "client-forgets-lost-answers")
def sends_again(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint takes the first message and cuts the line without an answer; then it answers.

    Nobody can know whether the message was archived, so the system must ask, or send it again. The case warns only.
    """
    contacts, _ = _meet(client, any_frame, bench, check, [_LOST, _ARCHIVED])
    check.that("load.sends-again", len(contacts) > 1, "The message was not sent again.")


@_case("load.same-message", "A message that is sent again is the same message", "client-renames-resent-messages")
def same_message(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint cuts the line twice without an answer. Every attempt must carry the same message and id.

    By the id Kanta knows a message that it has already; with a new one the document would be archived twice.
    """
    contacts, _ = _meet(client, any_frame, bench, check, [_LOST, _LOST, _ARCHIVED])
    different = {contact.body for contact in contacts if contact.body}
    check.that(
        "load.same-message", len(different) == 1, "The message was changed.", found=f"{len(different)} messages"
    )


@_case(
    "load.backs-off",
    "The system pauses before it sends again, and longer each time",
    "client-sends-again-without-pause",
    "client-sends-over-several-connections",
)
def backs_off(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint cuts the line twice. Between the attempts lie pauses that do not become shorter.

    When Kanta comes back after a failure, clients without pauses knock it over again. The case warns only.
    """
    contacts, _ = _meet(client, any_frame, bench, check, [_LOST, _LOST, _ARCHIVED])
    pauses = [later.begun - earlier.ended for earlier, later in pairwise(contacts)]
    growing = all(later >= earlier - _DELAY for earlier, later in pairwise(pauses))
    patient = growing and all(pause >= _SHORTEST for pause in pauses)
    found = ", ".join(f"{pause * 1000:.0f} ms" for pause in pauses)
    check.that("load.backs-off", patient, "The pauses do not become longer.", found=found)


@_case(
    "load.waits",
    "The system waits for a slow answer",
    "client-has-no-patience",
    "client-sends-over-several-connections",
)
def waits(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint takes four tenths of a second for its answer. One message must be enough.

    A system that gives up sooner sends the same message again and again while the first is still being archived.
    """
    contacts, _ = _meet(client, any_frame, bench, check, [_ARCHIVED], seconds=_SLOW)
    check.that(
        "load.waits", len(contacts) == 1, "The message was sent more than once.", found=f"{len(contacts)} times"
    )


@_case("load.one-at-a-time", "One message takes one connection at a time", "client-sends-over-several-connections")
def one_at_a_time(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint takes a seventh of a second for its answer. Until then no second connection may bring the message.

    Sending over several connections at once for the sake of speed multiplies the load, and archives doubles.
    """
    contacts, _ = _meet(client, any_frame, bench, check, [_ARCHIVED], seconds=_BRIEF)
    at_once = 1 + max(contact.beside for contact in contacts)
    check.that(
        "load.one-at-a-time", at_once == 1, "Several connections were open at once.", expected="1", found=str(at_once)
    )


@_case(
    "load.closed-while-idle",
    "A connection that was closed meanwhile loses no message",
    "client-clings-to-connections",
)
def closed_while_idle(client: Sends, any_frame: bytes, bench: Bench, check: Check) -> None:
    """The endpoint answers the first message, does not say that it will close the connection, and closes it. Then a
    second message follows.

    Services close what is idle. Whoever keeps connections must notice, and send over a new one; both must arrive.
    """
    with listening(bench.kanta_identity, client_authorities=bench.client_authorities, answers=[_KEPT]) as listener:
        endpoint = Endpoint(listener.url, bench.trust, listener.wait_for_contact)
        first = client.send(any_frame, endpoint)
        time.sleep(_BRIEF)
        second = client.send(any_frame, endpoint)
    arrived = sum(bool(contact.body) for contact in listener.contacts)
    if not arrived:
        check.skip("The system did not send its message; see the cases of the connection to Kanta.")
    check.show("what the system says", f"{first}\n{second}")
    met = arrived > 1 and second.accepted is not False
    check.that(
        "load.closed-while-idle", met, "A message was lost.", expected="2 messages", found=f"{arrived} messages"
    )


def _meet(
    client: Sends, frame: bytes, bench: Bench, check: Check, answers: Sequence[bytes], *, seconds: float = 0.0
) -> tuple[Sequence[Contact], Delivery]:
    """One message to an endpoint with these answers: the contacts that sent something, and what the client says."""
    authorities = bench.client_authorities
    with listening(
        bench.kanta_identity, client_authorities=authorities, answers=answers, seconds=seconds
    ) as listener:
        delivery = client.send(frame, Endpoint(listener.url, bench.trust, listener.wait_for_contact))
    contacts = [contact for contact in listener.contacts if contact.request]
    check.show("what the endpoint saw", "\n\n".join(contact.text() for contact in contacts[:5]) or "nothing")
    if not contacts:
        check.skip("The system did not send its message; see the cases of the connection to Kanta.")
    return contacts, delivery
