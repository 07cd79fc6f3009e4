"""The rules that guard the steps of registration points and of registrars' rights, one function each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sotepki.dvv.registration.data import registration_data
from sotepki.dvv.registration.registrar_course import CourseCertificate
from sotepki.identifiers import Hetu
from sotepki.states import Guard, Objection


@dataclass(frozen=True)
class PointCase:
    """What the rules of a point look at. ``organisation_public`` None: the organisation is not in the register.

    ``registrars`` counts those trained and in force.
    """

    contract_in_force: bool = False
    organisation_public: bool | None = None
    public: bool = False
    registrars: int = 0
    card_readers: int = 0
    locked_storage: bool = False
    access_control: bool = False
    member: bool = True
    reason: str = ""


@dataclass(frozen=True)
class RightCase:
    """What the rules of a registrar's right look at; ``before`` is the day of the course that it rests on now."""

    today: date
    trainee: Hetu
    point_state: str = ""
    certificate: CourseCertificate | None = None
    before: date | None = None
    valid_to: date | None = None
    member: bool = True
    reason: str = ""


def _contract(case: PointCase) -> Objection | None:
    return None if case.contract_in_force else Objection("No contract for the registration point is in force.")


def _public(case: PointCase) -> Objection | None:
    if case.organisation_public is case.public:
        return None
    kind = {True: "public", False: "private", None: "unknown"}[case.organisation_public]
    return Objection(f"The organisation is {kind}, the point is to be {'public' if case.public else 'its own'}.")


def _registrars(case: PointCase) -> Objection | None:
    least = registration_data().least_registrars
    if case.registrars >= least:
        return None
    return Objection(f"Trained registrars in force: {case.registrars}; needed: {least}.")


def _card_readers(case: PointCase) -> Objection | None:
    least = registration_data().least_card_readers
    if case.card_readers >= least:
        return None
    return Objection(f"{case.card_readers} card readers are reported, {least} are needed.")


def _locked_storage(case: PointCase) -> Objection | None:
    return None if case.locked_storage else Objection("The locked cabinet is not confirmed.")


def _access_control(case: PointCase) -> Objection | None:
    return None if case.access_control else Objection("The access control is not confirmed.")


def _point_member(case: PointCase) -> Objection | None:
    return None if case.member else _NO_MEMBER


def _closing_reason(case: PointCase) -> Objection | None:
    return None if case.reason.strip() else Objection("No reason was given for closing the registration point.")


def _point(case: RightCase) -> Objection | None:
    if case.point_state in ("planned", "open", "below-requirements"):
        return None
    return Objection(f"The registration point is {case.point_state}.")


def _course_certificate(case: RightCase) -> Objection | None:
    if case.certificate is None:
        return Objection("What is attached is no certificate of the registrar course.")
    if case.certificate.hetu != case.trainee:
        return Objection(f"The certificate {case.certificate.number} was given to another person.")
    return None


def _certificate_age(case: RightCase) -> Objection | None:
    if case.certificate is None or case.certificate.valid_to >= case.today:
        return None
    return Objection(f"The certificate {case.certificate.number} was to be used by {case.certificate.valid_to}.")


def _renewal(case: RightCase) -> Objection | None:
    if case.certificate is None or case.before is None or case.certificate.passed_on > case.before:
        return None
    return Objection(f"The right rests on a course passed on {case.before} already.")


def _right_member(case: RightCase) -> Objection | None:
    return None if case.member else _NO_MEMBER


def _reason(case: RightCase) -> Objection | None:
    return None if case.reason.strip() else Objection("No reason was given.")


def _expiry(case: RightCase) -> Objection | None:
    if case.valid_to is not None and case.today > case.valid_to:
        return None
    return Objection(f"The right lasts to {case.valid_to}.")


_NO_MEMBER = Objection("The person is not a user of the organisation's customer account.")

POINT_GUARDS: Mapping[str, Guard[PointCase]] = MappingProxyType(
    {
        "contract.account": _point_member,
        "point.contract": _contract,
        "point.public": _public,
        "point.registrars": _registrars,
        "point.card-readers": _card_readers,
        "point.locked-storage": _locked_storage,
        "point.access-control": _access_control,
        "point.closing-reason": _closing_reason,
    }
)

RIGHT_GUARDS: Mapping[str, Guard[RightCase]] = MappingProxyType(
    {
        "contract.account": _right_member,
        "registrar.point": _point,
        "registrar.course-certificate": _course_certificate,
        "registrar.certificate-age": _certificate_age,
        "registrar.renewal": _renewal,
        "registrar.reason": _reason,
        "registrar.expiry": _expiry,
    }
)
