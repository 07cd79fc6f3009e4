"""Exercises of card holders, registrars, providers and vendors: nearly right is told, another right way passes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import copy_workspace
from training_slips import Slip, heard

from sotepki.workspace import Workspace

pytestmark = pytest.mark.integration

# What the programs of slips begin with.
RAILI = "raili = cast.person('registrar-county-1')\n"
SUPPRESS = "from contextlib import suppress\nfrom sotepki.errors import Refused\n"
ORDER = RAILI + (
    "def order(part, **right):\n"
    "    return workspace.vartti.order_professional_card(\n"
    "        registrar=raili, applicant=cast.person(part), identity=passport(workspace), **right)\n"
)
GRANT = ORDER + (
    "def granted_and_ordered(part, code):\n"
    "    workspace.valvira.grant_right(cast.person(part), code, actor='valvira')\n    order(part)\n"
)
IN_USE = ORDER + "from sotepki.journey.card_holder import brought_into_use\n"
NOT = "(lambda *_, **__: None)"
"""In the place of a step that is forgotten."""
CLOSE = RAILI + "def close(reason, by=raili):\n    workspace.vartti.close_card(scene['card'], reason, by)\n"
CARD = "from sotepki.journey.card_holder import PIN1, PIN2\nfrom sotepki.tokens import Pin\n"
OFFICE = "office = workspace.service_certificates\n"
SYSTEM = OFFICE + (
    "from sotepki.dvv import ApplicationKind\nfrom sotepki.journey.service_provider import service_identity\n"
    "def signature_of(key, part):\n"
    "    home, user = workspace.thl.organisation(cast.organisation(key)), cast.person(part)\n"
    "    office.open_account(home.oid, user=user)\n"
    "    subject = {'C': 'FI', 'L': home.municipality, 'O': home.name}\n"
    "    subject |= {'serialNumber': str(home.oid), 'CN': 'A TEST'}\n"
    "    service_identity(\n"
    "        workspace, home, ApplicationKind.SYSTEM_SIGNATURE, user, subject, (), workspace.directory / 'made')\n"
)
FAULTS = (
    "from datetime import timedelta\nfrom cryptography import x509\nfrom sotepki.services import fault_board\n"
    "from sotepki.x509.ocsp_faults import OcspFaults\nfrom sotepki.x509.status import CertificateState\n"
    "late = timedelta(days=-2)\n"
    "def spoil(**faults):\n    fault_board(workspace).set('dvvtshp2rc', OcspFaults(**faults))\n"
)
FILE = "document = (workspace.directory / scene['file']).read_bytes()\n"

REGISTRARS = (
    Slip("a-card-too-many", "not-tried", SUPPRESS + ORDER +
         "with suppress(Refused):\n    order('employee-without-right')"),
    Slip("driving-licence", "no-order", ORDER + "order('psychologist')"),
    Slip("driving-licence", "no-order", ORDER + "workspace.vartti.cancel_order(order('sosionomi').id, actor=raili)"),
    Slip("driving-licence", "no-order", ORDER + "made = workspace.vartti.personalise(order('sosionomi').id)\n"
         "workspace.vartti.close_card(made.card_number, 'lost', raili)"),
    Slip("driving-licence", "no-order", ORDER + "number = order('sosionomi').id\n"
         "veikko = workspace.valvira.professional_of(cast.person('sosionomi'))\n"
         "workspace.valvira.remove_right(veikko.registration_number, veikko.rights[0].code, actor='x', reason='x')\n"
         + SUPPRESS + "with suppress(Refused):\n    workspace.vartti.personalise(number)"),
    Slip("expired-passport", "other-document",
         instead=('IdentityProof("police-identification")', "passport(workspace)")),
    Slip("right-removed", "professional", GRANT + "granted_and_ordered('nurse-whose-right-was-removed', 'T06')"),
    Slip("right-removed", "task", instead=('"patient-care"', '"other"')),
    Slip("two-professions", "codes", instead=('("001", "T02")', '("T02",)')),
    Slip("three-rights", "other-right", instead=('"T08"', '"T06"')),
    Slip("hand-over", "", IN_USE +
         "brought_into_use(workspace, workspace.vartti.card(scene['card']), registrar=raili)"),
    Slip("hand-over", "", IN_USE +
         "brought_into_use(workspace, workspace.vartti.card(scene['card']), registrar=raili)\n"
         "workspace.advance_clock(5 * 365 - 30)\nworkspace.vartti.follow_time()"),
    Slip("driving-licence", "no-order", IN_USE +
         "brought_into_use(workspace, order('sosionomi'), registrar=raili)\n"
         "workspace.advance_clock(6 * 365)\nworkspace.vartti.follow_time()"),
    Slip("lost-card", "reason", instead=('"lost"', '"broken"')),
    Slip("lost-card", "no-order", CLOSE + "close('lost')"),
    Slip("left-at-home", "closed", CLOSE + "close('lost')"),
    Slip("left-at-home", "no-spare", instead=('"specialist-physician"', '"physician"')),
    Slip("faulty-card", "open", CLOSE + "close('lost')"),
    Slip("faulty-card", "no-complaint", CLOSE + "close('broken')"),
    Slip("name-changed", "reason", instead=('"name-changed"', '"broken"')),
    Slip("consultant-leaves", "reason", CLOSE + "close('lost')"),
    Slip("placement-student", "free", instead=('"student"', '"patient-care"')),
    Slip("placement-student", "professional", GRANT + "granted_and_ordered('student-whose-right-lapsed', '001')"),
    Slip("second-registrar", "no-application", instead=('"geronomi"', '"sosionomi"')),
    Slip("second-registrar", "not-granted", instead=("workspace.registration_office.grant", NOT)),
)  # fmt: skip

HOLDERS = (
    Slip("take-into-use", "not-noted", instead=("workspace.vartti.note_activation", NOT)),
    Slip("sign-a-sentence", "other-key", CARD, instead=("card.verify_pin2(PIN2)\n    answer = card.signature_key",
         "card.verify_pin1(PIN1)\n    answer = card.authentication_key")),
    Slip("sign-a-sentence", "no-signature", instead=("what PIN2", "what PIN1")),
    Slip("when-to-renew", "too-early", instead=("timedelta(days=1)", "timedelta(0)")),
    Slip("when-to-renew", "too-late", instead=("timedelta(days=1)", "timedelta(2)")),
    Slip("when-to-renew", "no-date", hands_in="in March"),
    Slip("when-to-renew", "", instead=("timedelta(days=1)", "timedelta(days=1)\nanswer = f' {answer} '")),
    Slip("when-to-renew", "", instead=("timedelta(days=1)", "timedelta(days=1)\nfrom datetime import datetime, time\n"
         "from sotepki.clock import HELSINKI\nanswer = datetime.combine(answer, time(0, 30), HELSINKI)")),
    Slip("report-the-theft", "reason", instead=('"stolen"', '"lost"')),
    Slip("report-the-theft", "by-another", CLOSE + "close('stolen')"),
    Slip("nine-digits", "other-status", hands_in="9000"),
    Slip("nine-digits", "", hands_in="6A 80"),
    Slip("nine-digits", "", hands_in=bytes.fromhex("00006a80")),
    Slip("nine-digits", "spent", SUPPRESS + CARD +
         "with workspace.cards.insert(scene['card']) as card, suppress(Refused):\n    card.verify_pin1(Pin('9999'))",
         hands_in="6a80"),
    Slip("number-of-the-card", "other-number", "answer = scene['card'][-9:]"),
    Slip("number-of-the-card", "other-number", "answer = '00' + scene['card']"),
    Slip("signed-twice", "signatures", FILE + "answer = document"),
    Slip("signed-twice", "not-valid", "from sotepki.journey.walk import changed",
         instead=("at=workspace.clock.now(),\n    )", "at=workspace.clock.now())\n    answer = changed(answer)")),
    Slip("signed-twice", "not-valid", "elina = workspace.valvira.professional_of(cast.person('social-worker'))\n"
         "workspace.valvira.remove_right(elina.registration_number, 'T40', actor='x', reason='x')",
         instead=("", "")),
    Slip("renamed-prefixes", "still-valid", FILE + "answer = document"),
    Slip("renamed-prefixes", "no-accident", FILE +
         "from sotepki.journey.walk import changed\nanswer = changed(document)"),
    Slip("renamed-prefixes", "other-accident", FILE + "from lxml import etree\n"
         "from sotepki.xmldsig.parsing import without_blank_text\n"
         "tree = without_blank_text(document)\netree.indent(tree)\nanswer = etree.tostring(tree)"),
    Slip("one-letter", "still-valid", FILE + "answer = document"),
    Slip("one-letter", "more",
         instead=("changed, 1)", "changed, 1).replace(b'SignatureValue>', b'SignatureValue>A', 1)")),
)  # fmt: skip

PROVIDERS = (
    Slip("care-home-server", "none", SYSTEM + "signature_of('care-home', 'registrar-alone')"),
    Slip("care-home-server", "none", instead=('"care-home")), cast', '"child-welfare")), cast')),
    Slip("care-home-server", "other-host", instead=('f"kanta.', 'f"www.')),
    Slip("care-home-server", "waiting", instead=("office.process(application)", "")),
    Slip("plan-of-the-unit", "draft", "unit = workspace.provider(cast.organisation('child-welfare'))\n"
         "unit.plans.begin(unit.organisation, 'information-security', actor='author')"),
    Slip("plan-of-the-unit", "not-approved", instead=("unit.plans.approve", NOT)),
    Slip("renew-and-revoke", "not-renewed", instead=("office.renew(old, user=user)",
         "office.apply(organisation=pharmacy.oid, kind='server', user=user,\n"
         "    contact=office.application(old).contact)")),
    Slip("renew-and-revoke", "old-lives", instead=("office.request_revocation", NOT)),
    Slip("renew-and-revoke", "wrong-reason", instead=('"key-compromise"', '"superseded"')),
    Slip("who-prescribes", "no-list", hands_in="dentist"),
    Slip("who-prescribes", "no-list", hands_in=[]),
    Slip("who-prescribes", "too-many", hands_in=["dentist", "farmaseutti"]),
    Slip("who-prescribes", "too-many", hands_in=["dentist", "psychologist", "prescribing-nurse"]),
    Slip("who-prescribes", "too-few", hands_in=["dentist"]),
    Slip("who-prescribes", "", hands_in={"prescribing-nurse", "dentist"}),
    Slip("forgotten-card", "not-issued",
         "workspace.spare_cards.receive_blanks(1, registrar=cast.person('registrar-coast-1'))"),
    Slip("forgotten-card", "not-issued", instead=('"dentist"', '"physician"')),
    Slip("forgotten-card", "too-long", instead=("days=3", "days=5")),
    Slip("forgotten-card", "", instead=("days=3", "days=4")),
    Slip("restricted-farmaseutti", "nobody", instead=("pharmacy.grant_access", NOT)),
    Slip("restricted-farmaseutti", "still-held", instead=("pharmacy.sweep()", "")),
)  # fmt: skip

VENDORS = (
    Slip("register-in-time", "wrong-class", instead=("SystemClass.A3", "SystemClass.A2")),
    Slip("register-in-time", "later", instead=("else day", "else date(day.year + 1, 9, 1)")),
    Slip("register-in-time", "none", instead=('"1.0"', '"1.1"')),
    Slip("register-in-time", "none", instead=('"Oksa"', '"Okra"')),
    Slip("friday-fix", "other-kind",
         "from sotepki.clock import finnish_day, months_after\n"
         "day = months_after(finnish_day(workspace.clock.now()), 2)\n"
         "workspace.change_notices.report(\n"
         "    scene['approval'], 'urgent-fix', version='3.0.2', description='x', actor='Kaarna')",
         instead=('"urgent-fix"', '"purpose", effective_on=day')),
    Slip("friday-fix", "not-covered", instead=('"3.0.1"', '"3.0.2"')),
    Slip("which-answer-to-repeat", "accepted", hands_in="AA"),
    Slip("which-answer-to-repeat", "refused", hands_in="ae "),
    Slip("request-ready-to-send", "finding", instead=(", dns_names=[host]", "")),
    Slip("request-ready-to-send", "other-host", instead=('host = "kanta.', 'host = "www.')),
    Slip("request-ready-to-send", "no-bytes", instead=("read_bytes()", "read_bytes() + b'\\n' * 100_000")),
    Slip("certificate-in-hand", "no-application", instead=('"coast-hospital"', '"social-services"')),
    Slip("certificate-in-hand", "no-application", SYSTEM + "signature_of('coast-hospital', 'technical-contact')"),
    Slip("certificate-in-hand", "not-issued", "from sotepki.dvv import TechnicalContact\n" + OFFICE +
         "hospital = workspace.thl.organisation(cast.organisation('coast-hospital'))\n"
         "user = cast.person('technical-contact')\noffice.open_account(hospital.oid, user=user)\n"
         "contact = TechnicalContact('X Y', f'x@{hospital.domains[0]}')\n"
         "office.apply(organisation=hospital.oid, kind='server', user=user, contact=contact)"),
    Slip("who-knocked", "other", hands_in="server"),
    Slip("who-knocked", "other", hands_in="server or system-signature"),
    Slip("who-knocked", "", hands_in="System signature"),
    Slip("which-accident", "other", hands_in="prefix.renamed"),
    Slip("where-least-is-known", "no-profile", hands_in="a profile"),
    Slip("where-least-is-known", "other-profile", instead=("idxmax", "idxmin")),
    Slip("shorter-with-a-curve", "other-number", instead=("answer = ", "answer = 40 + ")),
    Slip("shorter-with-a-curve", "", instead=("answer = ", "answer = f'{-12}' and ")),
    Slip("leaked-key", "both", instead=('scene["signature"]', 'scene["server"]')),
    Slip("leaked-key", "reason", instead=('"key-compromise"', '"superseded"')),
    Slip("people-after-the-fall", "too-many", hands_in=3),
    Slip("people-after-the-fall", "too-few", hands_in=1),
    Slip("people-after-the-fall", "no-number", hands_in="²"),
    Slip("answers-of-yesterday", "other-fault", FAULTS + "spoil(next_update_shift=late, http_status=503)"),
    Slip("answers-of-yesterday", "other-fault", FAULTS +
         "spoil(next_update_shift=late, certificate_status=CertificateState.REVOKED)"),
    Slip("answers-of-yesterday", "other-fault", FAULTS + "spoil(next_update_shift=late, signature='broken')"),
    Slip("answers-of-yesterday", "no-fault", FAULTS + "spoil(next_update_shift=timedelta(minutes=-30))"),
    Slip("answers-of-yesterday", "", FAULTS +
         "spoil(next_update_shift=late, this_update_shift=late, produced_at_shift=late)"),
)  # fmt: skip


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("desks") / "workspace"
    with Workspace.create(directory, card_keys=2):
        pass
    return directory


@pytest.fixture
def workspace(fresh: Path, tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(copy_workspace(fresh, tmp_path / "workspace")) as opened:
        yield opened


@pytest.mark.parametrize(
    "slip", [*REGISTRARS, *HOLDERS, *PROVIDERS, *VENDORS], ids=lambda slip: f"{slip.task}-{slip.hears or 'done'}"
)
def test_the_check_says_what_is_still_wrong_and_takes_another_right_way(
    slip: Slip, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert heard(slip, workspace) == slip.hears
