"""What the system does with the rights of a professional: judged by what it allows and by the questions it asks."""

from __future__ import annotations

from contextlib import AbstractContextManager

from conformance.bench import Bench
from conformance.bench.rights import NOBODY
from conformance.check import Check
from conformance.declaring import Area, family
from conformance.requirements import Phase
from conformance.sut.facets_rights import AtWork, ChecksRights, RightsDecision, RightsTask, RightsTrouble
from sotepki.registers import Professional
from sotepki.serving.faults import Down

_LOGIN, _SIGN, _PRESCRIBE = RightsTask.LOGIN, RightsTask.SIGN, RightsTask.PRESCRIBE
_PHARMACIST, _NURSE, _PHYSICIAN = "farmaseutti", "nurse", "specialist-physician"
_RESTRICTED, _LAPSED = "restricted-physician", "student-whose-right-lapsed"

_SLOW = 0.5

declares = family(Area.RIGHTS, Phase.SUPPLIER)


@declares("rights.asked-at-login", "The system asks for the rights at login", "rights-asked-at-signing-only")
def asked_at_login(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """A nurse whose right is in force logs in. The system must have asked the role and attribute service.

    The card says who somebody is; only the service says what that person may do today.
    """
    decision = _attempts(rights, bench, _NURSE, _LOGIN)[-1]
    met = decision.allowed and bench.rights.asked() > 0
    _judge(
        check, bench, met, "The login was decided without asking.", "at least 1 question", str(bench.rights.asked())
    )


@declares(
    "rights.asked-at-signing",
    "The system asks again before a signature",
    "rights-asked-at-login-only",
    "rights-asked-at-signing-only",
)
def asked_at_signing(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The nurse logs in and signs. The service must be asked at both moments, since a session may last a day."""
    _attempts(rights, bench, _NURSE, _LOGIN, _SIGN)
    met = bench.rights.asked() > 1
    _judge(check, bench, met, "The signature was decided without asking.", "2 questions", str(bench.rights.asked()))


@declares(
    "rights.removed-meanwhile", "A right that is removed after login signs nothing", "rights-asked-at-login-only"
)
def removed_meanwhile(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """A pharmacist logs in; then the authority removes the right. The next signature must be refused.

    The card goes on working: nothing revokes it when a right ends.
    """
    professional = bench.rights.professional(_PHARMACIST)
    with _at_work(rights, bench, professional) as work:
        before = work.attempt(_LOGIN)
        with bench.rights.without_rights(professional):
            decision = work.attempt(_SIGN)
    _refused(check, bench, decision, RightsTrouble.NO_RIGHT, before.allowed)


@declares("rights.restored", "A right that is given back counts again", "rights-refusals-are-kept")
def restored(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The right of the pharmacist is removed, and given back after an appeal. The next task must be allowed.

    A system that keeps refusals locks people out of their work.
    """
    professional = bench.rights.professional(_PHARMACIST)
    with _at_work(rights, bench, professional) as work:
        with bench.rights.without_rights(professional):
            work.attempt(_SIGN)
        decision = work.attempt(_SIGN)
    _judge(check, bench, decision.allowed, "The restored right does not count.", "allowed", _said(decision))


@declares("rights.ended", "An ended right does not log in", "rights-asked-at-signing-only")
def ended(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """A student's time-limited right ended and was not renewed. The login must be refused for lack of a right."""
    _refused(check, bench, _attempts(rights, bench, _LAPSED, _LOGIN)[-1], RightsTrouble.NO_RIGHT)


@declares("rights.unknown-number", "A number that nobody has does not sign", "rights-unknown-is-fine")
def unknown_number(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The card bears a registration number that the service does not know. The signature must be refused.

    The service answers with an error then; it is an answer, and it means no.
    """
    bench.rights.professional(_NURSE)
    with rights.session(NOBODY, "Ei Kukaan", bench.rights.service) as work:
        _refused(check, bench, work.attempt(_SIGN), RightsTrouble.NO_RIGHT)


@declares(
    "rights.other-profession", "A right of another profession does not prescribe", "rights-everybody-prescribes"
)
def other_profession(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """A nurse without prescriber's identifier wants to prescribe. The system must refuse and say why.

    A right to practise is not a right to everything: the task decides which right it needs.
    """
    decision = _attempts(rights, bench, _NURSE, _LOGIN, _PRESCRIBE)[-1]
    _refused(check, bench, decision, RightsTrouble.NO_PRESCRIBER)


@declares("rights.prescribes", "A prescriber prescribes", "rights-nobody-prescribes")
def prescribes(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """A specialist physician with the right in force wants to prescribe. The system must allow it."""
    decision = _attempts(rights, bench, _PHYSICIAN, _LOGIN, _PRESCRIBE)[-1]
    _judge(check, bench, decision.allowed, "A prescriber may not prescribe.", "allowed", _said(decision))


@declares("rights.restricted", "A restriction on prescribing is kept", "rights-restrictions-are-ignored")
def restricted(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """A physician's right is in force with a restriction on prescribing (target 10). A prescription must be refused.

    The restriction comes in the same answer as the right; reading only the right is not enough.
    """
    decision = _attempts(rights, bench, _RESTRICTED, _LOGIN, _PRESCRIBE)[-1]
    _refused(check, bench, decision, RightsTrouble.RESTRICTED)


@declares("rights.restricted-otherwise-free", "A restriction ends only what it names", "rights-restriction-ends-all")
def restricted_otherwise_free(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The same physician logs in and signs a record. Both must be allowed: only prescribing is restricted."""
    decisions = _attempts(rights, bench, _RESTRICTED, _LOGIN, _SIGN)
    met = all(decision.allowed for decision in decisions)
    _judge(
        check, bench, met, "The restriction ended more than it names.", "allowed", ", ".join(map(_said, decisions))
    )


@declares(
    "rights.service-down", "A silent service is told as such", "rights-down-means-yes", "rights-down-means-no-right"
)
def service_down(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The service answers 503 while a nurse signs. The system must do what its supplier declares for this case, and
    say that nobody could be asked. It may not claim that the right was checked, nor that there is none.
    """
    professional = bench.rights.professional(_NURSE)
    with _at_work(rights, bench, professional) as work, bench.rights.down():
        decision = work.attempt(_SIGN)
    met = decision == RightsDecision(rights.proceeds_unasked, RightsTrouble.NOT_ASKED)
    _judge(check, bench, met, "The silence was taken for an answer.", RightsTrouble.NOT_ASKED, _said(decision))


@declares("rights.service-back", "The service is asked again when it is back", "rights-silence-is-kept")
def service_back(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The service was down and is back. The next task in the same session must be decided by its answer."""
    professional = bench.rights.professional(_NURSE)
    with _at_work(rights, bench, professional) as work:
        with bench.rights.down():
            work.attempt(_SIGN)
        decision = work.attempt(_SIGN)
    met = decision == RightsDecision(True)
    _judge(check, bench, met, "The service was not asked again.", "allowed", _said(decision))


@declares(
    "rights.service-cut",
    "A cut line is not taken for an answer",
    "rights-down-means-yes",
    "rights-down-means-no-right",
)
def service_cut(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The service takes the question and cuts the line without an answer. The system must do what its supplier
    declares, and say that nobody could be asked, as if the service had said so itself.
    """
    professional = bench.rights.professional(_NURSE)
    with _at_work(rights, bench, professional) as work, bench.rights.down(Down.DROPPED):
        decision = work.attempt(_SIGN)
    met = decision == RightsDecision(rights.proceeds_unasked, RightsTrouble.NOT_ASKED)
    _judge(check, bench, met, "The cut line was taken for an answer.", RightsTrouble.NOT_ASKED, _said(decision))


@declares("rights.service-slow", "A slow service is waited for", "rights-has-no-patience")
def service_slow(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """The service takes half a second for its answer while a nurse signs. The answer must count.

    In the morning, when everybody logs in at once, half a second is soon spent.
    """
    professional = bench.rights.professional(_NURSE)
    with _at_work(rights, bench, professional) as work, bench.rights.down(Down.NO, slow_seconds=_SLOW):
        decision = work.attempt(_SIGN)
    _judge(
        check, bench, decision == RightsDecision(True), "The answer was not waited for.", "allowed", _said(decision)
    )


@declares("rights.by-number", "The service is asked by registration number", "rights-asked-by-name")
def by_number(rights: ChecksRights, bench: Bench, check: Check) -> None:
    """A nurse logs in. The questions must name the registration number and nothing that the service does not know.

    Names are not unique, and a question by name tells the service more than it needs.
    """
    _attempts(rights, bench, _NURSE, _LOGIN)
    broken = bench.rights.refused_questions()
    _judge(
        check,
        bench,
        not broken,
        "A question was not of the service's form.",
        "registration number",
        ", ".join(broken),
    )


def _at_work(rights: ChecksRights, bench: Bench, professional: Professional) -> AbstractContextManager[AtWork]:
    person = professional.person
    name = f"{person.first_name} {person.surname}"
    return rights.session(professional.registration_number, name, bench.rights.service)


def _attempts(rights: ChecksRights, bench: Bench, part: str, *tasks: RightsTask) -> list[RightsDecision]:
    """The decisions on tasks of one session of whoever plays a part."""
    with _at_work(rights, bench, bench.rights.professional(part)) as work:
        return [work.attempt(task) for task in tasks]


def _refused(check: Check, bench: Bench, decision: RightsDecision, trouble: RightsTrouble, also: bool = True) -> None:
    met = also and decision == RightsDecision(False, trouble)
    _judge(check, bench, met, "The task was not refused for its reason.", trouble, _said(decision))


def _said(decision: RightsDecision) -> str:
    return f"{'allowed' if decision.allowed else 'refused'} {decision.trouble or ''}".strip()


def _judge(check: Check, bench: Bench, met: bool, message: str, expected: str, found: str) -> None:
    check.show("what the service was asked", bench.rights.log())
    check.that(check.case.id, met, message, expected=expected, found=found)
