"""Each way in which a rule of contracts, points and registrars' rights can be broken, and the last good one.

The desks meet every rule once (``test_dvv_registration_rules.py``); a rule with two ways to break it, or with a last
day, would lose one of them without a word.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from office_world import CLINIC, CLINIC_ID, COUNTY, COUNTY_ID, NURSE, PHYSICIAN

from sotepki.dvv.registration.card_signature import CardSigner
from sotepki.dvv.registration.contract_guards import CONTRACT_GUARDS, ContractCase
from sotepki.dvv.registration.guards import POINT_GUARDS, RIGHT_GUARDS, PointCase, RightCase
from sotepki.dvv.registration.registrar_course import CourseCertificate
from sotepki.dvv.registration.store import RegistrationPoint
from sotepki.registers import Organisation
from sotepki.states import Objection

TODAY = date(2026, 3, 2)
NIGHT = datetime(2026, 3, 2, 21, 59, tzinfo=UTC)
"""One minute before the end of the day in Finland."""

CLINIC_TEST = Organisation(CLINIC, "Vastaanotto TEST", CLINIC_ID, "clinic", "Testilä", public=False)
COUNTY_TEST = replace(CLINIC_TEST, oid=COUNTY, business_id=COUNTY_ID, kind="wellbeing-services-county", public=True)
POINT = RegistrationPoint("TEST-RP", COUNTY, "Piste TEST", public=True)
STATED = {"delivery-address": "Kaltiontie 1", "contact": "Rekka Rekisteröijä"}
SIGNED = CardSigner(PHYSICIAN, "x", "07", b"")

AGREEMENT = ContractCase(
    NIGHT, "registration-point", COUNTY_TEST, details=STATED, serves_all=True, method="certificate-card",
    signer=SIGNED, named=PHYSICIAN, signing=PHYSICIAN, sign_by=date(2026, 3, 1), reason="x",
)  # fmt: skip
AUTHORISATION = replace(
    AGREEMENT, kind="authorisation", organisation=CLINIC_TEST, point=POINT, serves_all=False,
    attachments=frozenset({"employment-certificate"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "case", "words"),
    [
        ("contract.authorised-point", replace(AUTHORISATION, point=replace(POINT, public=False)), "open public"),
        (
            "contract.authorised-point",
            replace(AUTHORISATION, point=replace(POINT, state="closed")),
            "open public",
        ),
        (
            "contract.authorised-point",
            replace(AUTHORISATION, point=replace(POINT, state="planned")),
            "open public",
        ),
        ("contract.authorised-point", replace(AUTHORISATION, point=replace(POINT, organisation=CLINIC)), "own"),
        ("contract.authorised-point", replace(AUTHORISATION, point=None), "does not exist"),
        ("contract.authorised-point", replace(AUTHORISATION, point=replace(POINT, state="below-requirements")), ""),
        ("contract.authorised-point", replace(AGREEMENT, point=None), ""),
        ("contract.authorised-point", replace(AUTHORISATION, organisation=None), ""),
        ("contract.public-serves-all", replace(AGREEMENT, organisation=None), ""),
        ("contract.method", replace(AGREEMENT, kind="marriage"), "certificate-card"),
        ("contract.signing-time", replace(AGREEMENT, sign_by=None), "until None"),
        ("contract.details", replace(AGREEMENT, details={**STATED, "contact": "x" * 301}), "plain text: contact"),
        ("contract.details", replace(AGREEMENT, details={**STATED, "contact": "a\nb"}), "plain text: contact"),
        ("contract.details", replace(AGREEMENT, details={"contact": "x"}), "lacks: delivery-address"),
        ("contract.details", replace(AGREEMENT, details={**STATED, "contact": "x" * 300}), ""),
        ("contract.public-serves-all", replace(AGREEMENT, serves_all=False), "public provider"),
        ("contract.public-serves-all", replace(AGREEMENT, serves_all=False, organisation=CLINIC_TEST), ""),
        ("contract.public-serves-all", replace(AUTHORISATION, organisation=COUNTY_TEST), ""),
        ("contract.attachments", replace(AUTHORISATION, attachments=frozenset({"x"})), "employment-certificate"),
        ("contract.attachments", AUTHORISATION, ""),
        ("contract.method", replace(AUTHORISATION, method="bank-codes"), ""),
        ("contract.method", replace(AUTHORISATION, method="ink"), "ink"),
        ("contract.signature", replace(AGREEMENT, signing=NURSE), "not the one whom the contract names"),
        ("contract.signature", replace(AUTHORISATION, method="bank-codes", signing=NURSE), "not the one"),
        ("contract.signature", replace(AUTHORISATION, method="bank-codes", signer=""), ""),
        ("contract.signature", replace(AGREEMENT, signer=""), "No signature of a card"),
        ("contract.signature", replace(AGREEMENT, signer=replace(SIGNED, hetu=NURSE)), "another person"),
        ("contract.signature", AGREEMENT, ""),
        ("contract.signature-later", AGREEMENT, ""),
        ("contract.signing-time", replace(AGREEMENT, sign_by=TODAY), "until 2026-03-02"),
        ("contract.signing-time", AGREEMENT, ""),
    ],
)
def test_a_contract_is_refused_for_this_and_not_for_that(rule: str, case: ContractCase, words: str) -> None:
    _judged(CONTRACT_GUARDS[rule](case), words)


EQUIPPED = PointCase(contract_in_force=True, organisation_public=True, public=True, registrars=2, card_readers=2)


@pytest.mark.parametrize(
    ("rule", "case", "words"),
    [
        ("point.registrars", replace(EQUIPPED, registrars=1), "in force: 1; needed: 2"),
        ("point.registrars", EQUIPPED, ""),
        ("point.card-readers", replace(EQUIPPED, card_readers=1), "1 card readers"),
        ("point.card-readers", EQUIPPED, ""),
        ("point.public", replace(EQUIPPED, organisation_public=False), "is private"),
        ("point.public", replace(EQUIPPED, organisation_public=None), "is unknown"),
        ("point.public", replace(EQUIPPED, organisation_public=None, public=False), "is unknown"),
        ("point.public", replace(EQUIPPED, organisation_public=False, public=False), ""),
        ("contract.account", replace(EQUIPPED, member=False), "not a user"),
    ],
)
def test_a_point_is_refused_for_this_and_not_for_that(rule: str, case: PointCase, words: str) -> None:
    _judged(POINT_GUARDS[rule](case), words)


COURSE = CourseCertificate("TEST-C-1", NURSE, date(2025, 3, 2), b"")
"""Its last day is today."""
APPLIED = RightCase(TODAY, NURSE, "open", COURSE, before=date(2025, 3, 1), valid_to=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("rule", "case", "words"),
    [
        *[
            ("registrar.point", replace(APPLIED, point_state=state), "")
            for state in ("planned", "below-requirements")
        ],
        *[("registrar.point", replace(APPLIED, point_state=state), state) for state in ("applied", "closed")],
        ("registrar.course-certificate", replace(APPLIED, certificate=None), "no certificate"),
        ("registrar.course-certificate", replace(APPLIED, trainee=PHYSICIAN), "another person"),
        ("registrar.course-certificate", APPLIED, ""),
        ("registrar.certificate-age", APPLIED, ""),
        ("registrar.certificate-age", replace(APPLIED, today=date(2026, 3, 3)), "by 2026-03-02"),
        ("registrar.certificate-age", replace(APPLIED, certificate=None), ""),
        ("registrar.renewal", replace(APPLIED, certificate=None), ""),
        ("registrar.renewal", replace(APPLIED, before=None), ""),
        ("registrar.renewal", APPLIED, ""),
        ("registrar.renewal", replace(APPLIED, before=COURSE.passed_on), "passed on 2025-03-02 already"),
        ("registrar.expiry", APPLIED, ""),
        ("registrar.expiry", replace(APPLIED, valid_to=TODAY), "lasts to 2026-03-02"),
        ("registrar.expiry", replace(APPLIED, valid_to=None), "lasts to None"),
        ("contract.account", replace(APPLIED, member=False), "not a user"),
    ],
)
def test_a_registrar_is_refused_for_this_and_not_for_that(rule: str, case: RightCase, words: str) -> None:
    _judged(RIGHT_GUARDS[rule](case), words)


def _judged(objection: Objection | None, words: str) -> None:
    """An objection in these words, or none where there are none."""
    assert (objection is None) == (not words), objection
    assert words in str(objection)
