"""The facts and choices that the offices work with, held against docs/field and against each other.

An office that gives a card too long, closes it with the wrong code or asks too little of a point would teach its
users a rule that does not exist; nothing else notices, since every part reads the same file.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import field_tables as field
import pytest

from sotepki.card import KeyUse
from sotepki.dvv.authority.plan import load_plan
from sotepki.dvv.authority.reasons import load_reasons
from sotepki.dvv.office_data import office_data
from sotepki.dvv.registration.data import registration_data
from sotepki.dvv.service_certificates.data import service_data
from sotepki.dvv.vartti.card_certification import card_certifications
from sotepki.dvv.vartti.data import vartti_data
from sotepki.evidence import Basis, load_yaml
from sotepki.kela.joint_testing_data import change_kinds
from sotepki.provider.join_lists import join_data
from sotepki.provider.plans.data import plan_kinds
from sotepki.provider.task_list import tasks
from sotepki.registers import Register
from sotepki.resources import package_file
from sotepki.thl import OrganisationKind
from sotepki.thl.valveri import delay
from sotepki.valvira.attribute_interface import AttributeInterface
from sotepki.valvira.supervision.data import supervision_data
from sotepki.x509.profile_values import KeyValue, UrlValue
from sotepki.x509.profiles import load_profiles

# --- cards and Vartti ---------------------------------------------------------------------------------------------


def test_who_pays_and_what_a_card_is_tied_to() -> None:
    """docs/field/registration.md 2: free for professionals and for staff that handles patient data, else charged."""
    kinds = vartti_data().kinds
    assert {name: dict(kind.price) for name, kind in kinds.items()} == {
        "professional": {"any": "free"},
        "personnel": {"patient-care": "free", "student": "charged", "other": "charged"},
        "actor": {"patient-care": "charged", "other": "charged"},
    }
    assert [name for name, kind in kinds.items() if kind.tied_to_employment] == ["personnel", "actor"]
    assert [name for name, kind in kinds.items() if kind.renewed_by_holder] == ["professional"]
    assert {kind.delivery for kind in kinds.values()} == {"point"}
    machines = {name: kind.machine for name, kind in kinds.items()}
    assert machines == {"professional": "card-order", "personnel": "staff-card-order", "actor": "staff-card-order"}


def test_who_is_reminded_when() -> None:
    """docs/field/registration.md 3: the window opens under three months, reader software warns a month before."""
    assert "less than 3 months" in field.row("registration.md", "3", "Renewal window")[1]
    assert "one month before" in field.row("registration.md", "3", "Reminder")[1]
    assert office_data().renewal_window_months == 3
    told = {name: (one.months_before, one.to, set(one.kinds)) for name, one in vartti_data().reminders.items()}
    assert told == {
        "window-open": (3, "holder", {"professional"}),
        "staff-window": (3, "point", {"personnel", "actor"}),
        "last-month": (1, "holder", {"professional", "personnel", "actor"}),
    }


def test_switches_begin_as_the_field_says() -> None:
    """docs/field/registration.md 7: no source says that a lost right closes the card; 3: a letter takes 4 days."""
    assert "no automatic revocation stated" in field.row("registration.md", "7", "Right lost")[0]
    values = {name: policy.values for name, policy in vartti_data().policies.items()}
    assert values["revoke-on-removal"] == ("off", "on")
    assert "4 working days" in field.row("registration.md", "3", "Code letter delay")[1]
    assert "emulator default 4 working days" in field.row("registration.md", "12", "code letter 2 to 4")[1]
    assert values["code-letter-working-days"] == ("4", "3", "2", "1", "0")


CLOSING = {
    "lost": ("keyCompromise", "holder registrar"),
    "stolen": ("keyCompromise", "holder registrar"),
    "broken": ("cessationOfOperation", "holder registrar"),
    "returned": ("cessationOfOperation", "holder registrar"),
    "not-needed": ("cessationOfOperation", "holder registrar"),
    "name-changed": ("superseded", "holder registrar"),
    "right-changed": ("superseded", "holder registrar"),
    "organisation-changed": ("superseded", "holder registrar"),
    "email-changed": ("superseded", "holder registrar"),
    "replaced": ("superseded", ""),
    "employment-ended": ("affiliationChanged", "registrar"),
    "right-removed": ("privilegeWithdrawn", ""),
}


def test_a_card_is_closed_for_its_reason_by_those_who_may_give_it() -> None:
    """docs/field/pki.md 6, reason codes to offer; docs/field/registration.md 7: the point closes when work ends."""
    codes = {name: code.value for name, code in office_data().closing_reasons.items()}
    actors = {name: " ".join(sorted(roles)) for name, roles in vartti_data().closing_actors.items()}
    assert {name: (codes[name], actors[name]) for name in codes} == CLOSING
    assert set(actors) == set(codes)
    changes = re.search(r"\((.*?)\)", field.row("pki.md", "6", "Card data or certificate data change")[0])
    words = {"surname": "name", "right": "right", "organisation": "organisation", "e-mail": "email"}
    assert changes and {f"{words[one]}-changed" for one in changes[1].split(", ")} <= set(codes)
    assert office_data().spoiled_reason.value == "superseded"


EEA_AND_BESIDE = "FI SE NO IS LI CH SM EE DE FR IE HR CY MT"
OUTSIDE = "GB US RU TR AD MC VA"


@pytest.mark.parametrize(
    ("kind", "countries", "accepted"),
    [
        ("identity-card", EEA_AND_BESIDE, True),
        ("identity-card", OUTSIDE, False),
        ("passport", f"{EEA_AND_BESIDE} {OUTSIDE}", True),
        ("driving-licence", "FI", False),
        ("kela-card", "FI", False),
        ("other", "FI", False),
        ("library-card", "FI", False),
        ("police-identification", "FI", True),
        ("police-identification", "SE", False),
    ],
)
def test_what_proves_identity_at_the_desk(kind: str, countries: str, accepted: bool) -> None:
    """docs/field/registration.md 3, row identity documents: EEA, Switzerland, San Marino; every state's passport."""
    for country in countries.split():
        assert office_data().accepts_document(kind, country) is accepted, country


def test_identity_cards_are_taken_from_the_whole_eea() -> None:
    eea = 27 + 3
    assert len(office_data().identity_documents["identity-card"]) == eea + len(("CH", "SM"))
    assert office_data().documents_without_validity == {"police-identification"}


def test_the_person_query_has_the_published_form() -> None:
    """docs/field/registration.md 5.1: a client of the old interface must find role, time and error codes again."""
    lookup = vartti_data().lookup
    assert f'"RoleName":"{lookup.role}"' in field.row("registration.md", "5.1", "body")[1]
    assert f"now + {lookup.longest_minutes} minutes" in field.row("registration.md", "5.1", "ExpiresAt")[1]
    published = re.findall(r"`(Varmenne\w+\.\w+)`", field.row("registration.md", "5.1", "error codes")[1])
    codes = {name: (one.code, one.status) for name, one in lookup.errors.items()}
    assert [codes["hetu-not-found"], codes["issuer"]] == [(code, 400) for code in published]
    own = [(400, "RequestInvalid"), (403, "UserContextInvalid"), (500, "InternalError")]
    assert [codes[name] for name in ("request", "user-context", "fault")] == [
        (f"VarmennetiedotServiceError.{word}", status) for status, word in own
    ]
    assert lookup.path == "/person-query"


def test_limits_that_protect_the_desk() -> None:
    data = vartti_data()
    assert (data.largest_photo, data.staff_number_prefix) == (1024 * 1024, "TESTV")
    assert data.photo_forms == {"jpeg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n"}
    assert (data.challenge_bytes, data.challenge_seconds, data.lookup.tolerance_seconds) == (32, 300, 60)


@pytest.mark.parametrize("kind", sorted(card_certifications()))
def test_a_card_is_certified_by_an_authority_that_may_with_a_key_it_may_have(kind: str) -> None:
    """An actor with the certificates of a member of staff would be told apart by nobody."""
    row, tree = card_certifications()[kind], "ec" if card_certifications()[kind].key == "p-384" else "rsa"
    for use in KeyUse:
        profile = load_profiles()[row.profiles[use]]
        assert profile.id == f"{kind.removesuffix('-ec')}-{use}-{tree}"
        assert load_plan().authorities[row.authority].profile in profile.issuers
        assert row.key == profile.value("key", KeyValue).allowed[0]


def test_the_kinds_of_test_cards() -> None:
    """docs/field/pki.md 2.2: sote cards of their own authority, spare cards of the temporary one, others general."""
    assert {kind: row.authority for kind, row in card_certifications().items()} == {
        **dict.fromkeys(("professional", "personnel", "actor"), "sote-persons"),
        **dict.fromkeys(("professional-ec", "personnel-ec", "actor-ec"), "sote-persons-ec"),
        **{"organisation": "general-ec", "citizen": "general", "citizen-ec": "general-ec", "spare": "sote-temporary"},
    }


# --- authorities and reasons of revocation ------------------------------------------------------------------------


def test_the_authorities_are_those_of_the_test_hierarchy() -> None:
    """docs/field/pki.md 2.2 and 3; the list of an authority stands where its certificates point."""
    plan = load_plan()
    assert {name: (one.publication_id, one.issuer or "", one.holders) for name, one in plan.authorities.items()} == {
        "root": ("dvvtest3rc", "", "authority"),
        "sote-persons": ("dvvtshp2rc", "root", "person"),
        "sote-services": ("dvvtshsp3rc", "root", "service"),
        "root-ec": ("dvvtest3ec", "", "authority"),
        "sote-persons-ec": ("dvvtshp2ec", "root-ec", "person"),
        "sote-services-ec": ("dvvtshsp3ec", "root-ec", "service"),
        "general-ec": ("dvvtp5ec", "root-ec", "person"),
        "sote-temporary": ("dvvtshpt2rc", "root", "person"),
        "general": ("dvvtp5rc", "root", "person"),
    }
    for one in plan.authorities.values():
        profile = load_profiles()[one.profile]
        issuer = plan.authorities[one.issuer] if one.issuer else one
        assert profile.issuers == (issuer.profile,)
        assert one.key in profile.value("key", KeyValue).allowed
        below = [leaf for leaf in load_profiles().values() if one.profile in leaf.issuers and leaf is not profile]
        for leaf in below:
            points = leaf.find("extension.crl-distribution-points", UrlValue)
            assert points is None or points.url.endswith(f"/{one.publication_id}.crl"), leaf.id
    assert [name for name, one in plan.authorities.items() if one.on_demand] == ["sote-temporary", "general"]


def test_how_long_lists_and_answers_hold() -> None:
    """docs/field/pki.md 5.13 and 5.15 (choices): a root revokes seldom, so its list lasts longer."""
    plan = load_plan()
    for name, one in plan.authorities.items():
        lists, root = plan.list_policy(name), name.startswith("root")
        assert (lists.next_update, lists.republish_after) == (
            (timedelta(days=30), timedelta(days=15)) if root else (timedelta(days=1), timedelta(hours=12))
        )
        assert (one.key_label, plan.responders.key_label(name)) == (f"ca-{name}", f"ocsp-{name}")
    responders = plan.responders
    assert (responders.renew_before, responders.answer_validity) == (timedelta(days=14), timedelta(minutes=60))
    assert (responders.key, responders.ec_key) == ("rsa-3072", "p-384")
    assert (responders.profile, responders.ec_profile) == ("ocsp-responder", "ocsp-responder-ec")


def test_the_words_of_revocation_have_the_codes_of_the_standard() -> None:
    found = {one.id: (one.reason.value, " ".join(sorted(one.kinds))) for one in load_reasons().values()}
    everything = "authority person service"
    assert found == {
        "key-compromise": ("keyCompromise", everything),
        "not-needed": ("cessationOfOperation", everything),
        "purpose-changed": ("superseded", everything),
        "employment-ended": ("affiliationChanged", "person"),
        "right-removed": ("privilegeWithdrawn", "person"),
        "unspecified": ("unspecified", everything),
        "ca-compromise": ("cACompromise", "authority"),
    }
    former = {word: one.id for one in load_reasons().values() for word in one.formerly}
    assert former == {"key-compromised": "key-compromise", "no-longer-needed": "not-needed"}
    in_use = field.row("pki.md", "5.15", "reason codes in use")[1].split(", ")
    assert {code for code, _ in found.values()} <= set(in_use)
    for word, code in service_data().revocation_reasons.items():
        assert word == "misuse-suspected" or found[word][0] == code.value, word


# --- registration points, contracts, service certificates ----------------------------------------------------------


def test_a_point_has_two_registrars_and_two_readers() -> None:
    """docs/field/registration.md 4."""
    data = registration_data()
    assert (data.least_registrars, data.least_card_readers) == (2, 2)
    assert (data.right_years, data.certificate_months, data.sign_within_months) == (3, 12, 3)
    assert (data.exam_questions, data.exam_pass_mark, data.exam_minutes) == (8, 7, 60)


def test_how_contracts_are_signed() -> None:
    """docs/field/registration.md 4: three ways are published, for the authorisation alone."""
    point, authorisation = (registration_data().contracts[name] for name in ("registration-point", "authorisation"))
    told = field.row("registration.md", "4", "Authorising another organisation's point")[0]
    assert "signed with certificate card, bank codes or mobile certificate" in told
    assert authorisation.methods == {"certificate-card", "bank-codes", "mobile-certificate"}
    assert authorisation.attachments == {"employment-certificate"} and authorisation.basis is Basis.NORM
    assert point.methods == {"certificate-card"} and not point.attachments and point.basis is Basis.CHOICE
    assert point.details == authorisation.details == ("delivery-address", "contact")


def test_what_can_be_applied_for_in_the_e_service() -> None:
    """docs/field/pki.md 7 and 5.12: by whom it is issued, and for whom."""
    kinds = service_data().kinds
    assert {name: (one.authority, one.profile, one.csr.value, one.only_for) for name, one in kinds.items()} == {
        "server": ("sote-services", "test-server", "server", ""),
        "system-signature": ("sote-services", "test-system-signature", "system-signature", ""),
        "kela-signature": ("sote-services", "test-kela-signature-rsa", "kela-signature", "0246246-0"),
        "e-mail": ("general", "test-email-rsa", "e-mail", ""),
    }
    assert kinds["server"].usages == ("client-auth", "server-auth") and service_data().email_usages == (
        "email-protection",
    )
    kela = kinds["kela-signature"]
    assert (kela.unit, kela.organisation) == ("Kanta", "Kansanelakelaitos")
    for one in kinds.values():
        assert one.aliases == {f"test-{one.id}"}  # the names of DVV's pages
        assert load_plan().authorities[one.authority].profile in load_profiles()[one.profile].issuers


def test_times_and_reasons_of_the_e_service() -> None:
    """docs/field/pki.md 6 and 7: 24 hours for a revocation, about a week for a certificate."""
    data = service_data()
    assert "24 h" in field.row("pki.md", "6", "Done within")[0] and data.revocation_hours == 24
    assert (data.promise_working_days, data.lapse_months, data.login_minutes) == (5, 6, 10)
    assert {word: code.value for word, code in data.revocation_reasons.items()} == {
        "key-compromise": "keyCompromise",
        "not-needed": "cessationOfOperation",
        "purpose-changed": "superseded",
        "misuse-suspected": "unspecified",
    }
    assert data.revocation_reasons_of_dvv == {"misuse-suspected"}
    assert data.strong_identification == {"bank-codes", "mobile-certificate", "certificate-card"}
    assert data.attachments == {"power-of-attorney", "conformity-certificate", "domain-owner-consent"}
    assert f'"{data.intermediary_mark}"' in field.row("pki.md", "7", "Applicant for a system signature")[0]
    assert data.kinds_without_care == {"software-vendor", "kanta-intermediary", "authority"}
    assert data.domain_evidence == {"register"}
    assert data.service_subject == {"country": "FI", "state": "Finland"}


# --- systems, steering, providers ----------------------------------------------------------------------------------


def test_what_a_change_of_an_approved_system_needs() -> None:
    """docs/field/kanta.md 10 row deadlines, 11 rows changes and renewal."""
    kinds = change_kinds()
    assert {name: (one.notice, one.live_first, one.months_before) for name, one in kinds.items()} == {
        "kanta-functions": (True, False, 1),
        "urgent-fix": (True, True, 0),
        "purpose": (True, False, 1),
        "certificate-renewal": (True, True, 6),
        "other": (False, True, 0),
    }
    counted = {name: one.counted_to for name, one in kinds.items() if one.months_before}
    assert counted == {"kanta-functions": "testing", "purpose": "testing", "certificate-renewal": "certificate"}
    firm = {name for name, one in kinds.items() if one.grade == "confirmed"}
    assert firm == {"kanta-functions", "urgent-fix", "certificate-renewal"}, "of a change of purpose Astori is told"


def test_classes_of_systems_are_the_same_for_supervision_and_for_the_regulation() -> None:
    """A class that the register bars and the regulation does not name would leave its producer without an answer."""
    data = supervision_data()
    shown = {name: (one.security_certificate, one.joint_test) for name, one in data.classes.items()}
    assert shown == {"A1": (True, False), "A2": (True, True), "A3": (True, True), "B": (False, False)}
    steering: dict[str, Any] = load_yaml(package_file("thl", "steering.yaml"))
    classes = {name: set(row["classes"]) for name, row in steering["requirements"].items()}
    assert classes["TEST-R-02"] == {name for name, one in data.classes.items() if one.joint_test}
    assert classes["TEST-R-03"] == {name for name, one in data.classes.items() if one.security_certificate}
    assert classes["TEST-R-04"] == set(data.classes) - classes["TEST-R-03"]
    assert classes["TEST-R-01"] == classes["TEST-R-06"] == classes["TEST-R-07"] == set(data.classes)
    assert classes["TEST-R-05"] == classes["TEST-R-03"]
    assert "three years" in field.row("kanta.md", "11", "renewal")[1] and data.security_certificate_years == 3
    assert (data.renewal_months, change_kinds()["certificate-renewal"].months_before) == (6, 6)
    assert len(data.kinds) == 4 and {"information-system", "wellbeing-application"} <= set(data.kinds)


def test_each_regulation_replaces_the_one_before_it() -> None:
    """docs/field/kanta.md 11: 4/2024 and 5/2024 are the ones in force; older numbers are still cited."""
    documents: dict[str, Any] = load_yaml(package_file("thl", "steering.yaml"))["documents"]
    replaced = {name: row["replaces"] for name, row in documents.items() if row["replaces"]}
    assert replaced == {f"THL-{number}/2024": [f"THL-{number}/2021"] for number in (3, 4, 5)}
    for name, row in documents.items():
        year = int(name.rpartition("/")[2])
        assert isinstance(row["from"], date) and (row["from"].year, row["kind"]) == (year, "regulation"), name


def test_requirements_stand_in_the_regulation_of_their_subject() -> None:
    """3/2024 is of plans, 4/2024 of classes and certification, 5/2024 of essential requirements."""
    raw: dict[str, Any] = load_yaml(package_file("thl", "steering.yaml"))
    numbers = {name.rpartition("-")[2]: row["document"] for name, row in raw["requirements"].items()}
    subjects = {"plan": "THL-3/2024", "classification": "THL-4/2024", "essential": "THL-5/2024"}
    assert all(word in raw["documents"][name]["title"] for word, name in subjects.items())
    assert numbers == dict.fromkeys(("01", "02", "03", "04", "06"), subjects["classification"]) | {
        "05": subjects["essential"],
        "07": subjects["plan"],
    }


def test_the_attribute_service_names_the_code_systems_of_the_field() -> None:
    form = AttributeInterface.load()
    assert form.right_code_system == field.row("registration.md", "10", "Valvira - Ammattioikeudet")[1]
    assert form.restriction_code_system == field.row("registration.md", "10", "Rajoitusperusteiden")[1]
    assert form.status_code_system in " ".join(cell for row in field.rows("registration.md", "9.2") for cell in row)
    assert (form.default_form, form.unknown_number_status) == ("xml", 404)
    assert delay().length == timedelta(hours=24)


def test_what_bars_a_professional_from_a_task() -> None:
    """Restriction 10 is of prescribing, 20 of medicines, 90 any other ban (docs/field/registration.md 10)."""
    both = {Register.SUOSIKKI, Register.TERHIKKI}
    assert {name: (set(one.registers), one.prescriber, set(one.barred_by)) for name, one in tasks().items()} == {
        "patient-records": ({Register.TERHIKKI}, False, {"90"}),
        "prescribing": ({Register.TERHIKKI}, True, {"10", "20", "90"}),
        "dispensing": ({Register.TERHIKKI}, False, {"20", "90"}),
        "client-records": (both, False, {"90"}),
    }


def test_what_must_be_in_place_before_a_provider_joins() -> None:
    """docs/field/pki.md 7: a pharmacy needs no system signature certificate; the repositories do."""
    lists = {name: {rule.removeprefix("join.") for rule in one.rules} for name, one in join_data().lists.items()}
    assert {name for name, items in lists.items() if "system-signature-certificate" in items} == {
        "patient-data-repository",
        "social-welfare-repository",
    }
    everywhere = {"organisation-register", "system-registered", "security-certificate", "joint-test", "plan"}
    everywhere |= {"organisation-kind", "system-approved", "server-certificate", "access-point", "staff-rights"}
    everywhere |= {"technical-support", "staff-trained", "operating-models"}
    assert all(everywhere <= items for items in lists.values())
    assert lists["pharmacy"] - everywhere == {"long-name", "dispenser"}
    assert lists["prescriptions"] - everywhere == {"prescriber", "self-monitoring-plan"}
    assert all("self-monitoring-plan" in items for name, items in lists.items() if name != "pharmacy")


def test_who_joins_what_and_who_writes_which_plan() -> None:
    """A clinic that is told it joins nothing never begins; a pharmacy needs no plan of self-monitoring (choice)."""
    kinds = OrganisationKind
    health = {kinds.WELLBEING_SERVICES_COUNTY, kinds.HOSPITAL, kinds.PRIVATE_CLINIC, kinds.STUDENT_HEALTH}
    social = {kinds.WELLBEING_SERVICES_COUNTY, kinds.PUBLIC_SOCIAL_CARE, kinds.PRIVATE_SOCIAL_CARE}
    assert {name: set(one.organisations) for name, one in join_data().lists.items()} == {
        "patient-data-repository": health,
        "social-welfare-repository": social,
        "prescriptions": health,
        "pharmacy": {kinds.PHARMACY},
    }
    writers = {name: set(kind.wanted_of) for name, kind in plan_kinds().items()}
    assert writers == {"information-security": {"all"}, "self-monitoring": health | social}
    assert {kind.review_months for kind in plan_kinds().values()} == {12}
