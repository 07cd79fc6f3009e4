"""Each way in which a rule of Vartti can be broken, and the last that is still good.

The desks meet every rule once (``test_dvv_vartti_rules.py`` and its neighbours); a rule with several ways to break it
would lose one of them without a word.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from office_world import CLINIC, CLINIC_ID, COUNTY, HOSPITAL, NURSE, PHYSICIAN, right

from sotepki.dvv.registration.store import Registrar, RegistrationPoint
from sotepki.dvv.vartti.case import CardCase, Employment, HeldCard, IdentityProof, PresentCard
from sotepki.dvv.vartti.guards import CARD_GUARDS
from sotepki.registers import Organisation, Person

NIGHT = datetime(2026, 3, 2, 21, 59, tzinfo=UTC)
"""One minute before the end of the day in Finland."""
TODAY, YESTERDAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 1), date(2026, 3, 3)

POINT = RegistrationPoint("TEST-RP", COUNTY, "Piste TEST", public=True)
REGISTRAR = Registrar(1, PHYSICIAN, POINT, trained_on=TODAY, valid_to=TODAY)
PROOF = IdentityProof("passport", valid_to=TODAY)
PHYSICIAN_RIGHT, DENTIST_RIGHT = right("001", "lääkäri"), right("T02", "hammaslääkäri")
CLINIC_TEST = Organisation(CLINIC, "Vastaanotto TEST", CLINIC_ID, "clinic", "Testilä", public=False)
PRESENT = PresentCard("9900000001", in_use=True, not_after=datetime(2026, 6, 1, 20, 59, tzinfo=UTC),
                      certificate_in_force=True)  # fmt: skip

ORDER = CardCase(
    NIGHT, NURSE, role="registrar", registrar=REGISTRAR, person=Person(NURSE, "Noora", "Hoitaja", "fi"),
    identity=PROOF, rights=(PHYSICIAN_RIGHT,), right_code="001", right=PHYSICIAN_RIGHT, letter_address="Kaltiontie 1",
    present=PRESENT, closing_reason="lost", text="It broke.",
)  # fmt: skip
STAFF = replace(
    ORDER, kind="personnel", rights=(), right=None, right_code="", employer=CLINIC, organisation=CLINIC_TEST,
    authorised=True, employment=Employment("Sihteeri", "other", TODAY, TODAY, certificate="A-1"),
)  # fmt: skip
DUAL = replace(ORDER, rights=(PHYSICIAN_RIGHT, DENTIST_RIGHT), held=(HeldCard("C1", "activated", "dentist"),))


def registrar(case: CardCase = ORDER, **changes: object) -> CardCase:
    return replace(case, registrar=replace(REGISTRAR, **changes))  # type: ignore[arg-type]


def seen(kind: str = "passport", **changes: object) -> CardCase:
    return replace(ORDER, identity=replace(PROOF, kind=kind, **changes))  # type: ignore[arg-type]


def employed(**changes: object) -> CardCase:
    assert STAFF.employment is not None
    return replace(STAFF, employment=replace(STAFF.employment, **changes))  # type: ignore[arg-type]


def present(**changes: object) -> CardCase:
    return replace(ORDER, present=replace(PRESENT, **changes))  # type: ignore[arg-type]


def closed(reason: str, role: str = "registrar", kind: str = "professional") -> CardCase:
    return replace(ORDER, closing_reason=reason, role=role, kind=kind)


PRIVATE = replace(POINT, public=False)
HELD = (HeldCard("C1", "activated", "physician"),)


@pytest.mark.parametrize(
    ("rule", "case", "words"),
    [
        ("registrar.course", registrar(trained_on=TOMORROW), "has not passed"),
        ("registrar.course", registrar(trained_on=None), "has not passed"),
        ("registrar.course", registrar(state="applied"), "has not passed"),
        ("registrar.course", registrar(state="rejected"), "has not passed"),
        ("registrar.course", registrar(trained_on=None, withdrawn=True), ""),
        ("registrar.course", ORDER, ""),
        ("registrar.course", replace(ORDER, registrar=None), ""),
        ("registrar.expired", registrar(valid_to=YESTERDAY), "ended on 2026-03-01"),
        ("registrar.expired", ORDER, ""),
        ("registrar.expired", replace(ORDER, registrar=None), ""),
        ("registrar.withdrawn", registrar(withdrawn=True), "was withdrawn"),
        ("registrar.withdrawn", ORDER, ""),
        ("registrar.withdrawn", replace(ORDER, registrar=None), ""),
        ("registrar.two-per-point", replace(ORDER, trained=1), "fewer than two"),
        ("registrar.two-per-point", replace(ORDER, trained=2), ""),
        ("registrar.two-per-point", replace(ORDER, trained=1, registrar=None), ""),
        ("order.applicant", replace(ORDER, person=None), "not in the Population"),
        ("order.not-for-oneself", registrar(hetu=NURSE), "is the applicant"),
        ("order.not-for-oneself", ORDER, ""),
        ("order.not-for-oneself", replace(ORDER, registrar=None), ""),
        ("hand-over.not-to-oneself", registrar(hetu=NURSE), "is the holder"),
        ("hand-over.not-to-oneself", ORDER, ""),
        ("hand-over.not-to-oneself", replace(ORDER, registrar=None), ""),
        ("order.point", registrar(point=PRIVATE), "serves its own organisation only"),
        (
            "order.point",
            registrar(replace(ORDER, employer=CLINIC), point=PRIVATE),
            "serves its own organisation only",
        ),
        ("order.point", registrar(replace(ORDER, employer=HOSPITAL), point=PRIVATE), ""),
        ("order.point", ORDER, ""),
        ("order.point", replace(ORDER, registrar=None), ""),
        ("order.identity.in-person", replace(ORDER, identity=None), "did not come"),
        ("order.identity.in-person", seen(in_person=False), "did not come"),
        ("order.identity.in-person", ORDER, ""),
        ("order.identity.kind", replace(ORDER, identity=None), "No identity document"),
        ("order.identity.kind", seen("library-card"), "no kind of document"),
        ("order.identity.kind", seen(country="fi"), "no country code"),
        ("order.identity.kind", seen("driving-licence"), "does not prove"),
        ("order.identity.kind", seen("identity-card", country="US"), "does not prove"),
        ("order.identity.kind", seen("identity-card", country="NO"), ""),
        ("order.identity.kind", seen("police-identification", country="SE"), "does not prove"),
        ("order.identity.kind", seen(country="US"), ""),
        ("order.identity.expired", seen(valid_to=YESTERDAY), "was valid to 2026-03-01"),
        ("order.identity.expired", seen(valid_to=None), "was not given"),
        ("order.identity.expired", seen("police-identification", valid_to=None), ""),
        ("order.identity.expired", ORDER, ""),
        ("order.identity.expired", replace(ORDER, identity=None), ""),
        ("order.identity.person", seen(holder=PHYSICIAN), "another personal identity code"),
        ("order.identity.person", seen(holder=NURSE), ""),
        ("order.identity.person", ORDER, ""),
        ("order.identity.person", replace(ORDER, identity=None), ""),
        ("order.right.none", replace(ORDER, rights=()), "no professional right"),
        ("order.right.not-held", replace(ORDER, right=None), "'001' is not in force"),
        ("order.right.not-held", replace(ORDER, right=None, rights=()), ""),
        ("order.right.not-held", replace(ORDER, right=None, right_code=""), ""),
        ("order.right.not-held", ORDER, ""),
        ("order.right.choice", replace(DUAL, right=None, right_code=""), "none was chosen"),
        ("order.right.choice", DUAL, ""),
        ("order.right.choice", replace(ORDER, right_code=""), ""),
        ("order.one-card", replace(ORDER, held=HELD), "order C1"),
        ("order.one-card", DUAL, ""),
        ("order.one-card", replace(DUAL, held=HELD), "order C1"),
        ("order.one-card", replace(DUAL, held=(*DUAL.held, *HELD)), "order C1"),
        ("order.one-card", replace(DUAL, held=(replace(HELD[0], profession=""),)), "order C1"),
        ("order.one-card", replace(DUAL, right=right("100", "psykologi")), "order C1"),
        ("order.one-card", replace(DUAL, rights=(PHYSICIAN_RIGHT,)), "order C1"),
        ("order.one-card", replace(DUAL, right=None), "order C1"),
        ("order.one-card", ORDER, ""),
        ("order.delivery", replace(ORDER, letter_address=" "), "no address"),
        ("order.delivery", replace(ORDER, letter_address="a\nb"), "not one line"),
        ("order.delivery", replace(ORDER, letter_address="x" * 301), "not one line"),
        ("order.delivery", replace(ORDER, letter_address="x" * 300), ""),
        ("order.photo", replace(ORDER, photo=b"GIF89a"), "not a JPEG or PNG"),
        ("order.photo", replace(ORDER, photo=b"\xff\xd8\xff" + bytes(1048574)), "1048577 bytes"),
        ("order.photo", replace(ORDER, photo=b"\xff\xd8\xff" + bytes(1048573)), ""),
        ("order.photo", replace(ORDER, photo=b"\x89PNG\r\n\x1a\n"), ""),
        ("order.photo", ORDER, ""),
        ("code.kept", replace(ORDER, code_kept=False), "no activation code"),
        ("close.reason-actor", closed("employment-ended", "holder"), "by dvv or registrar"),
        ("close.reason-actor", closed("right-removed"), "by dvv, not"),
        ("close.reason-actor", closed("coffee"), "by dvv, not"),
        ("close.reason-actor", closed("right-removed", "dvv"), ""),
        ("close.reason-actor", closed("lost", "holder"), ""),
        ("close.employment", closed("employment-ended"), "not tied to an employment"),
        ("close.employment", closed("employment-ended", kind="personnel"), ""),
        ("close.employment", closed("lost"), ""),
        ("complaint.broken", closed("lost"), "closed as lost"),
        ("complaint.broken", closed("broken"), ""),
        ("complaint.text", replace(ORDER, text=" "), "says nothing"),
        ("staff.right-held", replace(STAFF, rights=(PHYSICIAN_RIGHT,)), "holds the right 001"),
        ("staff.right-held", replace(STAFF, rights=(PHYSICIAN_RIGHT,), kind="actor"), ""),
        ("staff.right-held", STAFF, ""),
        ("staff.organisation", replace(STAFF, employer=None), "names no organisation"),
        ("staff.organisation", replace(STAFF, organisation=None), "not in the SOTE"),
        ("staff.organisation", STAFF, ""),
        ("staff.point", registrar(STAFF, point=PRIVATE), "not public"),
        ("staff.point", registrar(replace(STAFF, employer=HOSPITAL), point=PRIVATE), ""),
        ("staff.point", replace(STAFF, authorised=False), "has not authorised"),
        ("staff.point", replace(STAFF, authorised=False, employer=COUNTY), ""),
        ("staff.point", replace(STAFF, authorised=False, registrar=None), ""),
        ("staff.point", replace(STAFF, authorised=False, employer=None), ""),
        ("staff.point", STAFF, ""),
        ("staff.employment-certificate", employed(certificate=" "), "no certificate of employment"),
        ("staff.employment-certificate", replace(STAFF, employment=None), "no certificate of employment"),
        ("staff.employment-certificate", replace(employed(certificate=""), employer=HOSPITAL), ""),
        ("staff.employment-certificate", replace(employed(certificate=""), registrar=None), ""),
        ("staff.employment-certificate", replace(employed(certificate=""), employer=None), ""),
        ("staff.employment-certificate", STAFF, ""),
        ("staff.employment", replace(STAFF, employment=None), "no employment"),
        ("staff.employment", employed(until=YESTERDAY), "from 2026-03-02 to 2026-03-01"),
        ("staff.employment", employed(since=TOMORROW, until=None), "to further notice"),
        ("staff.employment", employed(since=None, until=YESTERDAY), "from the past"),
        ("staff.employment", employed(since=None, until=None), ""),
        ("staff.employment", STAFF, ""),
        *[("staff.job-title", employed(job_title=title), "job title") for title in (" ", "a\tb", "x" * 65)],
        ("staff.job-title", employed(job_title="x" * 64), ""),
        ("staff.job-title", replace(STAFF, employment=None), ""),
        ("staff.task", employed(task="coffee"), "'coffee'"),
        ("staff.task", replace(employed(task="student"), kind="actor"), "'student'"),
        ("staff.task", employed(task="student"), ""),
        ("staff.task", replace(STAFF, employment=None), ""),
        ("staff.one-card", replace(STAFF, held=HELD), "order C1"),
        ("staff.one-card", STAFF, ""),
        ("renewal.window", ORDER, ""),
        ("renewal.window", present(not_after=datetime(2026, 6, 2, 20, 59, tzinfo=UTC)), "after 2026-03-02"),
        ("renewal.present-card", present(in_use=False), "not in use"),
        ("renewal.present-card", present(not_after=NIGHT - timedelta(seconds=1)), "expired on 2026-03-02"),
        ("renewal.present-card", present(not_after=NIGHT), ""),
        ("renewal.present-card", present(certificate_in_force=False), "not in force"),
        ("renewal.challenge", present(challenge="It is old."), "It is old."),
        ("renewal.proof", present(proof="It is forged."), "It is forged."),
        ("renewal.same", present(changes=("another name", "no right")), "another name; no right"),
        ("renewal.by-post", ORDER, "lies at the registration point"),
        ("renewal.by-post", replace(ORDER, by_post=True), ""),
    ],
)
def test_a_card_is_refused_for_this_and_not_for_that(rule: str, case: CardCase, words: str) -> None:
    objection = CARD_GUARDS[rule](case)
    assert (objection is None) == (not words), objection
    assert words in str(objection)
