"""A vendor's web system that calls a Signature Creation Service: what it asks for, and what it believes."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from conformance.bench import Bench
from conformance.bench.scs import Twist, cancelled, foreign_answer, typed, watched_scs
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets_scs import ScsUse, UsesScs
from sotepki.scs.client import AUTHENTICATION, SIGNATURE
from sotepki.scs.settings import load_settings

CONTENT = b"sotepki conformance: a document of the web system"
_SHORTEST = 64

declares = family(Area.SCS, Phase.SUPPLIER)


@declares("scs-use.signature-key", "The pages select the signature key for a signature", "pages-sign-with-login-key")
def signature_key(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """The system has a document signed over our service. It must select by keyusages nonRepudiation.

    With another selection the person sees a question for the wrong PIN, or signing fails.
    """
    with watched_scs(bench) as (address, watch):
        scs_user.sign(address, CONTENT)
    _judge(check, watch.usages() == {SIGNATURE.lower()}, "Another key was selected.", SIGNATURE, watch.log())


@declares(
    "scs-use.login-key", "The pages select the authentication key for a login", "pages-log-in-with-signature-key"
)
def login_key(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """The system logs the person in over our service. It must select by keyusages digitalSignature."""
    with watched_scs(bench) as (address, watch):
        scs_user.log_in(address)
    _judge(
        check, watch.usages() == {AUTHENTICATION.lower()}, "Another key was selected.", AUTHENTICATION, watch.log()
    )


@declares(
    "scs-use.challenge",
    "The login challenge is bound to the site and long enough",
    "pages-short-challenge",
    "pages-unbound-challenge",
)
def challenge(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """What is signed for a login begins with the origin of the site, then a challenge of at least 64 characters.

    Services refuse anything else, and rightly: it could be somebody else's login.
    """
    with watched_scs(bench) as (address, watch):
        scs_user.log_in(address)
    text = watch.contents()[0].decode("utf-8", "replace") if watch.rows else ""
    bound = text.startswith(scs_user.origin) and len(text) > len(scs_user.origin) + _SHORTEST
    _judge(
        check, bound, "The challenge is not bound to the site, or too short.", f"{scs_user.origin}, challenge", text
    )


@declares("scs-use.fresh-challenge", "Every login has a challenge of its own", "pages-same-challenge")
def fresh_challenge(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """The person logs in twice. The two challenges must differ, or a recorded login can be played again."""
    with watched_scs(bench) as (address, watch):
        for _ in range(2):
            scs_user.log_in(address)
    contents = watch.contents()
    _judge(check, len(contents) == 2 == len(set(contents)), "A challenge came twice.", "2 challenges", watch.log())


@declares(
    "scs-use.verifies-signature", "The system verifies the signature that comes back", "pages-believe-signatures"
)
def verifies_signature(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """Our service answers with a signature over something else. The system must not take it.

    The answer comes through the person's browser, where anybody may have changed it.
    """
    _not_taken(scs_user, bench, check, _other_signature)


@declares("scs-use.verifies-issuer", "The system verifies who issued the certificate", "pages-believe-certificates")
def verifies_issuer(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """Our service answers with a right signature by a certificate that bears the right names, issued by nobody known.

    The system must not take it: names can be written by anybody.
    """
    answer = foreign_answer(bench, CONTENT)
    _not_taken(scs_user, bench, check, lambda _answer: answer)


@declares("scs-use.cancelled", "A refused signature is not taken for one", "pages-read-http-only")
def refused(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """The person cancels. Our service answers HTTP 200 with status failed; the system must not go on as if signed.

    Clients look at the HTTP status and at the status in the answer.
    """
    with watched_scs(bench, pin=cancelled) as (address, _):
        used = scs_user.sign(address, CONTENT)
    _judge(check, not used.accepted, "A refusal was taken for a signature.", "not accepted", _said(used))


@declares(
    "scs-use.untyped-answer",
    "The system reads answers without a content type",
    "pages-want-a-content-type",
    "pages-sign-with-login-key",
)
def untyped_answer(scs_user: UsesScs, bench: Bench, check: Check) -> None:
    """The official software was seen to send its JSON without Content-Type. The system must read it all the same."""
    with watched_scs(bench, settings=replace(load_settings("1.1"), content_type=False)) as (address, _):
        used = scs_user.sign(address, CONTENT)
    _judge(check, used.accepted, "An answer without a content type was not read.", "accepted", _said(used))


def _other_signature(answer: dict[str, Any]) -> dict[str, Any]:
    value = bytearray(base64.b64decode(answer.get("signature", "")))
    if value:
        value[-1] ^= 1
    return {**answer, "signature": base64.b64encode(bytes(value)).decode()}


def _not_taken(scs_user: UsesScs, bench: Bench, check: Check, twist: Twist) -> None:
    with watched_scs(bench, pin=typed, twist=twist) as (address, _):
        used = scs_user.sign(address, CONTENT)
    _judge(check, not used.accepted, "The answer was taken.", "not accepted", _said(used))


def _said(used: ScsUse) -> str:
    return "accepted" if used.accepted else used.reason or "not accepted"


def _judge(check: Check, met: bool, message: str, expected: str, found: str) -> None:
    check.that(check.case.id, met, message, expected=expected, found=found[:400])
