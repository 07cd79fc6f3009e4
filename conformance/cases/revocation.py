"""Trust and revocation: does the system ask, and what does it make of each answer. Judged by who was asked what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from conformance.bench import Bench
from conformance.bench.publication import Publication, Questioned
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets import Verifies
from sotepki.x509.ocsp import DEFAULT_VALIDITY
from sotepki.x509.ocsp_faults import (
    BodyFault,
    CertificateIdFault,
    NonceFault,
    OcspFaults,
    ResponderFault,
    ResponseFault,
    SignatureFault,
)
from sotepki.x509.status import CertificateState, CertificateStatus

_case = family(Area.REVOCATION, Phase.CROSS)

_ANY = "verifier-accepts-everything"
_BLIND = "asker-never-asks"
_OPEN = "asker-fails-open"
_SLOW, _HANGS = 0.4, 30.0


@_case(
    "revocation.asks",
    "The system asks whether the signer's certificate is revoked",
    _ANY,
    _BLIND,
    "verifier-refuses-everything",
)
def asks(verifier: Verifies, bench: Bench, check: Check) -> None:
    """The system verifies a document whose signer's certificate names a responder and a list of the test bench.

    The bench looks at its own history: somebody must have asked about the certificate or fetched the list.
    """
    service = bench.publication
    asked = service.document()
    service.questions.clear()
    verifier.verify(asked.document, service.trust)
    _show(check, service)
    check.that("revocation.asks", service.asked_about(asked.serial), "Nobody asked about the signer's certificate.")


@_case("revocation.good", "The system accepts a signer whose certificate is good", "verifier-refuses-everything")
def good(verifier: Verifies, bench: Bench, check: Check) -> None:
    """The responder answers "good", soundly signed and current. The document must be accepted.

    The answers of the other cases differ from this one in one thing each.
    """
    accepted = verifier.verify(bench.publication.document().document, bench.publication.trust).accepted
    _show(check, bench.publication)
    check.that("revocation.good", accepted, "The document was refused although the certificate is good.")


@_case(
    "revocation.revoked",
    "The system refuses a signer who is revoked by OCSP",
    _ANY,
    _BLIND,
    "verifier-ignores-revocation",
)
def revoked(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The responder answers that the certificate was revoked an hour before the signature, since its key was lost.

    Whoever found the card could have signed.
    """
    _refused(status_verifier, bench, check, bench.publication.document(bench.publication.revoked()))


@_case(
    "revocation.revoked-on-list",
    "The system refuses a signer who is on the list",
    _ANY,
    _BLIND,
    "verifier-ignores-revocation",
    "asker-knows-no-lists",
)
def revoked_on_list(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The certificate names no responder, only a revocation list, and stands on it.

    A system that knows OCSP alone must not take the silence for an answer.
    """
    document = bench.publication.document(bench.publication.revoked(), only_list=True)
    _refused(status_verifier, bench, check, document)


@_case(
    "revocation.unknown", "The system does not take unknown for good", _ANY, _BLIND, "asker-takes-unknown-for-good"
)
def unknown(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The responder has never heard of the certificate: its authority did not issue it, whatever it looks like.

    Only "good" is good.
    """
    state = CertificateStatus(CertificateState.UNKNOWN)
    _refused(status_verifier, bench, check, bench.publication.document(state))


@_case("revocation.try-later", "The system does not take an error of the responder for good", _ANY, _BLIND, _OPEN)
def try_later(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The responder answers tryLater, which says nothing about the certificate and bears no signature.

    Anybody on the way can send it, so it must not open the door.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(response_status=ResponseFault.TRY_LATER))


@_case("revocation.unauthorized", "The system does not take a refusal to answer for good", _ANY, _BLIND, _OPEN)
def unauthorized(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The responder answers unauthorized, as those do that do not serve the certificate's authority.

    The state stays unknown.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(response_status=ResponseFault.UNAUTHORIZED))


@_case("revocation.http-error", "The system does not take an error of the web server for good", _ANY, _BLIND, _OPEN)
def http_error(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """In the place of an answer the service gives HTTP status 500.

    The state stays unknown, and the document is not accepted until somebody can be asked.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(http_status=500))


@_case("revocation.garbage", "The system does not take a page of a proxy for an answer", _ANY, _BLIND, _OPEN)
def garbage(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The answer is an HTML page with HTTP status 200, as proxies and login portals send it.

    It must be read as OCSP or not at all.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(body=BodyFault.HTML))


@_case("revocation.down", "The system does not take silence for good", _ANY, _BLIND, _OPEN)
def down(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """At the addresses in the certificate nobody listens.

    Whoever can cut the line to the responder must not be able to use a stolen card.
    """
    _refused(status_verifier, bench, check, bench.publication.document(down=True))


@_case("revocation.stale", "The system refuses an answer that is out of date", _ANY, _BLIND, "asker-ignores-times")
def stale(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The answer is good and soundly signed, but its nextUpdate passed yesterday.

    An answer from before the theft could be played again for ever.
    """
    day = timedelta(days=-1) - DEFAULT_VALIDITY
    faults = OcspFaults(this_update_shift=day, next_update_shift=day, produced_at_shift=day)
    _refused_under(status_verifier, bench, check, faults)


@_case("revocation.from-the-future", "The system refuses an answer of tomorrow", _ANY, _BLIND, "asker-ignores-times")
def from_the_future(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The answer's thisUpdate lies a day ahead; one of the two clocks is wrong.

    Such an answer is not current, and a system with a wrong clock should learn it here.
    """
    day = timedelta(days=1)
    _refused_under(status_verifier, bench, check, OcspFaults(this_update_shift=day, next_update_shift=day))


@_case(
    "revocation.broken-signature",
    "The system verifies the answer's signature",
    _ANY,
    _BLIND,
    "asker-ignores-signatures",
)
def broken_signature(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """One bit of the signature of the answer is wrong.

    OCSP runs over plain HTTP; the signature is all that protects the answer.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(signature=SignatureFault.BROKEN))


@_case(
    "revocation.stranger", "The system refuses an answer of a stranger", _ANY, _BLIND, "asker-believes-any-responder"
)
def stranger(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The answer is soundly signed by a responder with the right name that the authority has not authorised.

    The responder's certificate must be issued by the authority itself, for signing OCSP.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(responder=ResponderFault.STRANGER))


@_case(
    "revocation.another-certificate",
    "The system looks whom the answer is about",
    _ANY,
    _BLIND,
    "asker-takes-any-answer",
)
def another_certificate(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The answer is sound and good, and about another serial number.

    A good answer about somebody else says nothing about the signer.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(certificate_id=CertificateIdFault.SERIAL))


@_case("revocation.nonce", "The system compares its nonce", _ANY, _BLIND, "asker-ignores-the-nonce")
def nonce(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The answer carries another nonce than the question.

    A system that sends a nonce must compare it, or its question can be answered from an old recording.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(nonce=NonceFault.OTHER))


@_case(
    "revocation.kept-answer",
    "The system keeps no answer beyond its end",
    _ANY,
    _BLIND,
    "verifier-ignores-revocation",
    "asker-keeps-answers-for-ever",
)
def kept_answer(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The first answer is good and ends at once; then the card is reported lost, and the same document comes again.

    A system may keep answers until their nextUpdate and no longer. Now it must ask again and refuse.
    """
    service = bench.publication
    asked = service.document()
    with service.failing(OcspFaults(next_update_shift=-DEFAULT_VALIDITY)):
        status_verifier.verify(asked.document, service.trust)
    service.states[asked.serial] = service.revoked()
    _refused(status_verifier, bench, check, replace(asked))


@_case(
    "revocation.old-list",
    "The system refuses a list that is out of date",
    _ANY,
    _BLIND,
    "asker-takes-old-lists",
    "asker-knows-no-lists",
)
def old_list(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The certificate names a revocation list only, whose nextUpdate passed yesterday.

    A certificate that was revoked since then is not on it.
    """
    service = bench.publication
    service.list_age = timedelta(days=1) + DEFAULT_VALIDITY
    try:
        _refused(status_verifier, bench, check, service.document(only_list=True))
    finally:
        service.list_age = timedelta(0)


@_case(
    "revocation.slow-answer",
    "The system waits for a slow answer",
    "asker-has-no-patience",
)
def slow_answer(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The responder takes four tenths of a second for its good answer. The document must be accepted.

    On a busy day answers take that long; a system that gives up sooner refuses sound documents.
    """
    service = bench.publication
    asked = service.document()
    with service.failing(OcspFaults(delay_seconds=_SLOW)):
        accepted = status_verifier.verify(asked.document, service.trust).accepted
    _show(check, service)
    check.that("revocation.slow-answer", accepted, "The slow answer was not waited for.")


@_case("revocation.hangs", "The system does not take a hanging responder for good", _ANY, _BLIND, _OPEN)
def hangs(status_verifier: Verifies, bench: Bench, check: Check) -> None:
    """The responder takes the question and then says nothing for half a minute.

    The system gives up at some time of its own choice, and the state stays unknown: the document is not accepted.
    """
    _refused_under(status_verifier, bench, check, OcspFaults(delay_seconds=_HANGS))


def _refused_under(verifier: Verifies, bench: Bench, check: Check, faults: OcspFaults) -> None:
    with bench.publication.failing(faults):
        _refused(verifier, bench, check, bench.publication.document())


def _refused(verifier: Verifies, bench: Bench, check: Check, questioned: Questioned) -> None:
    """Hold the requirement of the case against the answer: a document is not to be accepted."""
    answer = verifier.verify(questioned.document, bench.publication.trust)
    _show(check, bench.publication)
    check.that(
        check.case.requirements[0],
        not answer.accepted,
        "The system accepted the document.",
        expected="not accepted",
        found="accepted",
    )


def _show(check: Check, service: Publication) -> None:
    check.show("the last questions to the bench", "\n".join(q.text() for q in service.questions[-4:]) or "none")
