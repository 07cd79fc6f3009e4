# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Solutions
#
# Every exercise of the notebooks with one way to solve it, each in a fresh workspace, and the check behind it.
#
# Look here after you have tried: a rule that refused you once stays with you longer than one that you read. The page
# is made from `sotepki/training/tasks/` by `python -m sotepki.training solutions`.

# %%
# ruff: noqa
# fmt: off
# mypy: ignore-errors
from solving import begin, leave
from story import be_kind

from sotepki.journey import load_cast
from sotepki.journey.card_holder import passport

be_kind()
cast = load_cast()

# %% [markdown]
# ## [00_tour](00_tour.ipynb)
#
# ### A card too many

# %%
workspace, exercise, scene = begin("a-card-too-many")
exercise

# %%
from sotepki.errors import Refused

raili, elina = cast.person("registrar-county-1"), cast.person("social-worker")
try:
    workspace.vartti.order_professional_card(registrar=raili, applicant=elina, identity=passport(workspace))
except Refused as refusal:
    print(refusal.sentence, refusal.rule)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Whose signature?

# %%
workspace, exercise, scene = begin("whose-signature")
exercise

# %%
from cryptography.x509.oid import NameOID

from sotepki.documents import VerificationContext, verify_document
from sotepki.dvv import SOTE_PERSONS

authorities = workspace.authorities
context = VerificationContext(
    trust=[authorities.root],
    intermediates=[authorities.certificate(SOTE_PERSONS)],
    at=workspace.clock.now(),
    revocation=False,
    rights=workspace.valvira,
)
report = verify_document((workspace.directory / scene["file"]).read_bytes(), context)
(number,) = report.signatures[0].certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)
answer = number.value
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [01_valvira](01_valvira.ipynb)
#
# ### A restriction for a time

# %%
workspace, exercise, scene = begin("restriction-for-a-time")
exercise

# %%
from datetime import date

from sotepki.identifiers import RegistrationNumber

workspace.valvira.restrict_right(
    RegistrationNumber(scene["number"]), "001", ["10", "30"], actor="valvira", reason="valvontapäätös",
    valid_to=date.fromisoformat(scene["last_day"]),
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The last day at work

# %%
workspace, exercise, scene = begin("removal-to-come")
exercise

# %%
from datetime import datetime

from sotepki.identifiers import RegistrationNumber

workspace.valvira.remove_right(
    RegistrationNumber(scene["number"]), "T06", actor="valvira", reason="oma pyyntö",
    effective_at=datetime.fromisoformat(scene["moment"]),
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### What a system may know, and the public may not

# %%
workspace, exercise, scene = begin("what-a-system-may-know")
exercise

# %%
physician = workspace.valvira.professional_of(cast.person("restricted-physician"))
rights = workspace.valvira.rights_in_force(physician.registration_number, workspace.clock.now())
answer = [code for right in rights for code in right.restrictions]
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### A system that waits

# %%
workspace, exercise, scene = begin("system-into-the-register")
exercise

# %%
from datetime import timedelta

from sotepki.clock import finnish_day
from sotepki.valvira.supervision import EvidenceKind, Role

yesterday = finnish_day(workspace.clock.now() - timedelta(days=1))
workspace.supervision.attach(
    scene["system"], EvidenceKind.JOINT_TEST, number="YT-12", issuer="Kela TEST", issued_on=yesterday, actor="valvira",
)
workspace.supervision.step(scene["system"], "register", role=Role.AUTHORITY, actor="valvira")
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ## [02_certificates](02_certificates.ipynb)
#
# ### A key on a shared disk

# %%
workspace, exercise, scene = begin("leaked-system-key")
exercise

# %%
from cryptography.x509 import ReasonFlags

workspace.authorities.revoke(
    ("sote-services", int(scene["serial"], 16)), reason=ReasonFlags.key_compromise, actor="dvv",
)
workspace.authorities.publish(workspace.published)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A file without a name

# %%
workspace, exercise, scene = begin("whose-certificate")
exercise

# %%
from cryptography import x509

from sotepki.x509.lint import lint_certificate

mailed = x509.load_pem_x509_certificate((workspace.directory / scene["file"]).read_bytes())
answer = lint_certificate(mailed).profile_id
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### A window for a thief

# %%
workspace, exercise, scene = begin("window-for-a-thief")
exercise

# %%
from cryptography import x509

held = x509.load_der_x509_crl((workspace.published / "crl" / "dvvtshsp3rc.crl").read_bytes())
answer = held.next_update_utc
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [03_registrar](03_registrar.ipynb)
#
# ### An expired driving licence

# %%
workspace, exercise, scene = begin("driving-licence")
exercise

# %%
order = workspace.vartti.order_professional_card(
    registrar=cast.person("registrar-county-1"),
    applicant=cast.person("sosionomi"),
    identity=passport(workspace),
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### No document at all

# %%
workspace, exercise, scene = begin("expired-passport")
exercise

# %%
from sotepki.dvv import IdentityProof

order = workspace.vartti.order_professional_card(
    registrar=cast.person("registrar-county-1"),
    applicant=cast.person("psychologist"),
    identity=IdentityProof("police-identification"),
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The registrar's own card

# %%
workspace, exercise, scene = begin("order-for-a-colleague")
exercise

# %%
order = workspace.vartti.order_professional_card(
    registrar=cast.person("registrar-county-1"),
    applicant=cast.person("registrar-county-2"),
    identity=passport(workspace),
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A right that was removed

# %%
workspace, exercise, scene = begin("right-removed")
exercise

# %%
from sotepki.dvv import CardRequest, Employment

request = CardRequest(
    cast.person("nurse-whose-right-was-removed"),
    passport(workspace),
    kind="personnel",
    employer=cast.organisation("county"),
    employment=Employment("Hoiva-avustaja", task="patient-care"),
)
order = workspace.vartti.place_order(request, registrar=cast.person("registrar-county-1"))
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Dentist and physician

# %%
workspace, exercise, scene = begin("two-professions")
exercise

# %%
for code in ("001", "T02"):
    order = workspace.vartti.order_professional_card(
        registrar=cast.person("registrar-county-1"),
        applicant=cast.person("dentist-and-physician"),
        identity=passport(workspace),
        right_code=code,
    )
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Three rights, one card

# %%
workspace, exercise, scene = begin("three-rights")
exercise

# %%
order = workspace.vartti.order_professional_card(
    registrar=cast.person("registrar-county-1"),
    applicant=cast.person("nurse-with-three-rights"),
    identity=passport(workspace),
    right_code="T08",
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The card has come

# %%
workspace, exercise, scene = begin("hand-over")
exercise

# %%
order = workspace.vartti.hand_over(
    scene["card"], registrar=cast.person("registrar-county-2"), identity=passport(workspace)
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The letter that never came

# %%
workspace, exercise, scene = begin("letter-lost")
exercise

# %%
order = workspace.vartti.order_new_code(
    scene["card"],
    registrar=cast.person("registrar-county-1"),
    identity=passport(workspace),
    letter_address="Testiraitti 1, 00000 Testilä",
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Left on the bus

# %%
workspace, exercise, scene = begin("lost-card")
exercise

# %%
workspace.vartti.close_card(scene["card"], "lost", cast.person("registrar-county-1"))
order = workspace.vartti.order_professional_card(
    registrar=cast.person("registrar-county-1"),
    applicant=cast.person("prescribing-nurse"),
    identity=passport(workspace),
    right_code="T06",
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Forgotten at home

# %%
workspace, exercise, scene = begin("left-at-home")
exercise

# %%
spare = workspace.spare_cards.issue(
    scene["blank"],
    registrar=cast.person("registrar-county-1"),
    holder=cast.person("specialist-physician"),
    identity=passport(workspace),
    right_code="001",
    days=1,
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A silent chip

# %%
workspace, exercise, scene = begin("faulty-card")
exercise

# %%
workspace.vartti.close_card(scene["card"], "broken", cast.person("registrar-county-1"))
workspace.vartti.complain(
    scene["card"], registrar=cast.person("registrar-county-1"), text="The chip does not answer in any reader."
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A new surname

# %%
workspace, exercise, scene = begin("name-changed")
exercise

# %%
workspace.vartti.close_card(scene["card"], "name-changed", cast.person("registrar-county-1"))
order = workspace.vartti.order_professional_card(
    registrar=cast.person("registrar-county-1"),
    applicant=cast.person("medical-student"),
    identity=passport(workspace),
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The consultant leaves

# %%
workspace, exercise, scene = begin("consultant-leaves")
exercise

# %%
workspace.vartti.end_employment(
    cast.person("technical-contact"), cast.organisation("county"), registrar=cast.person("registrar-county-1")
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A student on placement

# %%
workspace, exercise, scene = begin("placement-student")
exercise

# %%
from sotepki.dvv import CardRequest, Employment

request = CardRequest(
    cast.person("student-whose-right-lapsed"),
    passport(workspace),
    kind="personnel",
    employer=cast.organisation("county"),
    employment=Employment("Lääketieteen opiskelija", task="student"),
)
order = workspace.vartti.place_order(request, registrar=cast.person("registrar-county-1"))
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### One registrar too few

# %%
workspace, exercise, scene = begin("second-registrar")
exercise

# %%
siiri = cast.person("geronomi")
course = workspace.registrar_course
course.enrol(siiri, language="fi")
course.exam(siiri)
result = course.submit(siiri, course.answer_key(siiri))
certificate = course.certificate(siiri).document
workspace.registration_office.apply_registrar(
    siiri, "TEST-RP-04", certificate=certificate, by=cast.person("registrar-alone")
)
workspace.registration_office.grant(siiri, "TEST-RP-04")
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ## [04_professional](04_professional.ipynb)
#
# ### Taking the card into use

# %%
workspace, exercise, scene = begin("take-into-use")
exercise

# %%
from sotepki.journey.card_holder import PIN1, PIN2, activation_code

with workspace.cards.insert(scene["card"]) as card:
    card.activate(activation_code(workspace, scene["card"]), PIN1, PIN2)
workspace.vartti.note_activation(scene["card"], actor=cast.person("physician-restored"))
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Five times wrong

# %%
workspace, exercise, scene = begin("unlock-the-pin")
exercise

# %%
from sotepki.journey.card_holder import PIN1, activation_code

with workspace.cards.insert(scene["card"]) as card:
    card.unblock(activation_code(workspace, scene["card"]), "pin1", PIN1)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### One PIN, one signature

# %%
workspace, exercise, scene = begin("sign-a-sentence")
exercise

# %%
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sotepki.journey.card_holder import PIN2

sentence = b"I have understood what PIN2 is for."
with workspace.cards.insert(scene["card"]) as card:
    card.verify_pin2(PIN2)
    answer = card.signature_key.sign(sentence, padding.PKCS1v15(), hashes.SHA256())
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### Two people with one name

# %%
workspace, exercise, scene = begin("who-am-i")
exercise

# %%
from cryptography.x509.oid import NameOID

certificate = next(iter(workspace.cards.read(scene["card"]).certificates.values()))
answer = certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### The first day of renewal

# %%
workspace, exercise, scene = begin("when-to-renew")
exercise

# %%
from datetime import timedelta

from sotepki.clock import finnish_day, months_after

last = finnish_day(workspace.vartti.card(scene["card"]).not_after)
answer = months_after(last, -3) + timedelta(days=1)
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### The bag is gone

# %%
workspace, exercise, scene = begin("report-the-theft")
exercise

# %%
workspace.vartti.close_card(scene["card"], "stolen", cast.person("restricted-physician"))
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ## [05_provider](05_provider.ipynb)
#
# ### A server certificate for the care home

# %%
workspace, exercise, scene = begin("care-home-server")
exercise

# %%
from sotepki.dvv import ApplicationKind, TechnicalContact
from sotepki.journey import make_request

home, user = workspace.thl.organisation(cast.organisation("care-home")), cast.person("registrar-alone")
office, host = workspace.service_certificates, f"kanta.{home.domains[0]}"
office.open_account(home.oid, user=user)
application = office.apply(
    organisation=home.oid, kind=ApplicationKind.SERVER, user=user,
    contact=TechnicalContact("Saimi Tyvenlahti", f"saimi@{home.domains[0]}"),
)
subject = {"C": "FI", "ST": "Finland", "L": home.municipality, "O": home.name, "CN": host}
made = make_request(workspace.directory / "exercise", "care-home", subject, dns_names=[host])
office.attach_csr(application, made.request.read_bytes())
office.process(application)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The plan of the child-welfare unit

# %%
workspace, exercise, scene = begin("plan-of-the-unit")
exercise

# %%
from datetime import timedelta

from sotepki.clock import finnish_day
from sotepki.provider.plans import plan_kinds

unit, kind = workspace.provider(cast.organisation("child-welfare")), "information-security"
unit.plans.begin(unit.organisation, kind, actor="author")
for part in plan_kinds()[kind].parts:
    unit.plans.write(unit.organisation, kind, part, f"See chapter {part} of the handbook.", actor="author")
review = finnish_day(workspace.clock.now()) + timedelta(days=300)
unit.plans.approve(unit.organisation, kind, review_by=review, actor="management")
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The disk that was thrown away

# %%
workspace, exercise, scene = begin("renew-and-revoke")
exercise

# %%
from sotepki.journey import make_request

office, old, user = workspace.service_certificates, scene["application"], cast.person("technical-contact")
pharmacy = workspace.thl.organisation(cast.organisation("coast-pharmacy"))
subject = {"C": "FI", "ST": "Finland", "L": pharmacy.municipality, "O": pharmacy.name, "CN": scene["host"]}
made = make_request(workspace.directory / "exercise", "renewed", subject, dns_names=[scene["host"]])
new = office.renew(old, user=user)
office.attach_csr(new, made.request.read_bytes())
office.process(new)
serial = office.collect(old).certificate.serial_number
office.request_revocation(old, serial=serial, reason="key-compromise", user=user)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ## [06_pharmacy](06_pharmacy.ipynb)
#
# ### Who can sign a prescription?

# %%
workspace, exercise, scene = begin("who-prescribes")
exercise

# %%
parts = ("dentist", "farmaseutti", "prescribing-nurse", "psychologist")
answer = [part for part in parts if workspace.valvira.professional_of(cast.person(part)).prescriber_id]
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### The forgotten card

# %%
workspace, exercise, scene = begin("forgotten-card")
exercise

# %%
registrar = cast.person("registrar-coast-1")
blank = workspace.spare_cards.receive_blanks(1, registrar=registrar)[0]
spare = workspace.spare_cards.issue(
    blank.number, registrar=registrar, holder=cast.person("dentist"), identity=passport(workspace), days=3
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### The books of the other pharmacy

# %%
workspace, exercise, scene = begin("restricted-farmaseutti")
exercise

# %%
pharmacy = workspace.provider(cast.organisation("coast-pharmacy"))
pharmacy.sweep()
sampo = workspace.valvira.professional_of(cast.person("pharmacist"))
pharmacy.grant_access(sampo.registration_number, "dispensing", actor="administrator")
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ## [07_kela](07_kela.ipynb)
#
# ### Oksa wants to be tested

# %%
workspace, exercise, scene = begin("register-in-time")
exercise

# %%
from datetime import date

from sotepki.clock import finnish_day, months_after
from sotepki.kela import SystemClass

day = months_after(finnish_day(workspace.clock.now()), 2)
workspace.joint_tests.register(
    system="Oksa", version="1.0", supplier=cast.organisation("vendor"), system_class=SystemClass.A3,
    content="Potilastietovaranto", begins_on=date(day.year, 8, 1) if day.month == 7 else day, actor="Kaarna",
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A failed phase

# %%
workspace, exercise, scene = begin("to-the-statement")
exercise

# %%
number = int(scene["number"])
workspace.joint_tests.finish_phase(number, 2, passed=True, actor="kela")
workspace.joint_tests.give_statement(number, actor="kela")
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Friday, three o'clock

# %%
workspace, exercise, scene = begin("friday-fix")
exercise

# %%
workspace.change_notices.report(
    scene["approval"], "urgent-fix", version="3.0.1", description="signature time corrected", actor="Kaarna"
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Which answer may become another one?

# %%
workspace, exercise, scene = begin("which-answer-to-repeat")
exercise

# %%
answer = "AR"
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [08_thl](08_thl.ipynb)
#
# ### A unit of the coast

# %%
workspace, exercise, scene = begin("unit-of-a-county")
exercise

# %%
from sotepki.identifiers import organisation_oid
from sotepki.registers import Organisation

county = workspace.thl.organisation(cast.organisation("coast"))
workspace.thl.register_organisation(
    Organisation(
        organisation_oid(county.business_id, 4100), "Fiktivnäs tandklinik TEST", county.business_id, "hospital",
        "Fiktivnäs", public=True, parent=county.oid,
    ),
    actor="thl",
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A code that was missing

# %%
workspace, exercise, scene = begin("code-in-a-new-version")
exercise

# %%
from dataclasses import replace

from sotepki.identifiers import Oid
from sotepki.thl import code_exchange

published = workspace.thl.codes(Oid("1.2.246.537.5.40127.2006"))
added = replace(
    published.codes[-1], code="90", name_fi="Testiallekirjoitus", name_sv="Testunderskrift", name_en="Test signature",
)
grown = replace(published, version="TEST-2", codes=(*published.codes, added))
workspace.thl.import_codes(code_exchange.write(grown), actor="thl")
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### A question in the corridor

# %%
workspace, exercise, scene = begin("question-of-the-minister")
exercise

# %%
from sotepki.ministry import collect

rights = collect(workspace.records).rights
answer = int(rights["in_force"].sum() - rights["restricted"].sum())
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [09_vendor](09_vendor.ipynb)
#
# ### A request without a finding

# %%
workspace, exercise, scene = begin("request-ready-to-send")
exercise

# %%
from pathlib import Path

from sotepki.journey import make_request

host = "kanta.sosiaali.tunturilaakso.test.example"
subject = {"C": "FI", "ST": "Finland", "L": "Testilä", "O": "Tunturilaakson sosiaalipalvelut TEST", "CN": host}
made = make_request(Path(workspace.directory) / "training", "server", subject, dns_names=[host])
answer = made.request.read_bytes()
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### From the account to the certificate

# %%
workspace, exercise, scene = begin("certificate-in-hand")
exercise

# %%
from sotepki.journey.service_provider import provider_system

hospital = workspace.thl.organisation(cast.organisation("coast-hospital"))
provider = provider_system(workspace, hospital, user=cast.person("technical-contact"))
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Refused at the door

# %%
workspace, exercise, scene = begin("who-knocked")
exercise

# %%
from sotepki.services import running_services

with running_services(workspace) as services:
    lines = services.kanta.requests(10, refused=True)
shown = {int(line.certificate_serial, 16) for line in lines if line.certificate_serial}
home = cast.organisation("care-home")
applications = workspace.service_certificates.applications(organisation=home)
answer = next(one.kind for one in applications if one.serial and int(one.serial, 16) in shown)
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### Broken between two programs

# %%
workspace, exercise, scene = begin("which-accident")
exercise

# %%
from sotepki.documents.diagnosis import diagnose

found = diagnose((workspace.directory / scene["file"]).read_bytes())
answer = next(name for one in found for name in one.accidents)
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [10_architect](10_architect.ipynb)
#
# ### What a curve saves

# %%
workspace, exercise, scene = begin("shorter-with-a-curve")
exercise

# %%
from sotepki.x509.what_if import Algorithm, Overlay, what_if

profile = "professional-signature-rsa"
today, curve = what_if(profile, rounds=1), what_if(profile, Overlay(algorithm=Algorithm.P_384), rounds=1)
answer = today.certificate_octets - curve.certificate_octets
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### Where to ask first

# %%
workspace, exercise, scene = begin("where-least-is-known")
exercise

# %%
from sotepki.x509.explorer import profiles_frame

answer = profiles_frame()["unknown"].idxmax()
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [11_card](11_card.ipynb)
#
# ### A PIN of nine digits

# %%
workspace, exercise, scene = begin("nine-digits")
exercise

# %%
from sotepki.card.door import open_door

with open_door(workspace.cards, scene["card"]) as door:
    door.power_on()
    door.transmit(bytes.fromhex("00A4040C0C A000000063504B43532D3135"))
    data = b"1234" + b"123456789"
    answer = door.transmit(bytes.fromhex("00240003") + bytes([len(data)]) + data)[-2:]
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### The habit of another card

# %%
workspace, exercise, scene = begin("padded-pin")
exercise

# %%
from sotepki.card.door import open_door

with open_door(workspace.cards, scene["card"]) as door:
    door.power_on()
    door.transmit(bytes.fromhex("00A4040C0C A000000063504B43532D3135"))
    answer = door.transmit(bytes.fromhex("0020000308") + b"1234".ljust(8, b"\0"))
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### The number that the card knows

# %%
workspace, exercise, scene = begin("number-of-the-card")
exercise

# %%
from sotepki.card.door import open_door

with open_door(workspace.cards, scene["card"]) as door:
    door.power_on()
    door.transmit(bytes.fromhex("00A4080C0450155032"))
    content = door.transmit(bytes.fromhex("00B0000000"))[:-2]
at = content.index(b"\x04")
answer = content[at + 2 : at + 2 + content[at + 1]].decode()
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [12_signature](12_signature.ipynb)
#
# ### Two signatures

# %%
workspace, exercise, scene = begin("signed-twice")
exercise

# %%
from sotepki.documents import sign_as_professional
from sotepki.journey.card_holder import PIN2

with workspace.cards.insert(scene["card"]) as card:
    card.verify_pin2(PIN2)
    answer = sign_as_professional(
        (workspace.directory / scene["file"]).read_bytes(),
        key=card.signature_key,
        certificate=card.certificate("signature"),
        professional=workspace.valvira.professional_of(cast.person("social-worker")),
        at=workspace.clock.now(),
    )
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### Read and written by the standard library

# %%
workspace, exercise, scene = begin("renamed-prefixes")
exercise

# %%
from xml.etree import ElementTree

answer = ElementTree.tostring(ElementTree.fromstring((workspace.directory / scene["file"]).read_bytes()))
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### One letter, and nothing else

# %%
workspace, exercise, scene = begin("one-letter")
exercise

# %%
import base64
import re

document = (workspace.directory / scene["file"]).read_bytes()
match = re.search(rb'representation="B64">([^<]*)<', document)
body = base64.b64decode(match[1])
assert b"Asiakassuunnitelma" in body
changed = base64.b64encode(body.replace(b"Asiakassuunnitelma", b"Asiakassuunnitelmb", 1))
answer = document.replace(match[1], changed, 1)
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ## [13_accidents](13_accidents.ipynb)
#
# ### A key in a public repository

# %%
workspace, exercise, scene = begin("leaked-key")
exercise

# %%
application = workspace.service_certificates.application(scene["signature"])
workspace.service_certificates.request_revocation(
    application.id, serial=application.serial, reason="key-compromise", user=cast.person("technical-contact")
)
solved = exercise.check()
assert solved
solved

# %% [markdown]
# ### Who needs a new card

# %%
workspace, exercise, scene = begin("people-after-the-fall")
exercise

# %%
issued = workspace.authorities.issued(authority_id="sote-persons")
holders = [one.holder for one in issued if one.status.state == "good" and " card " in one.holder]
answer = len({holder.split(" card ")[0] for holder in holders})
solved = exercise.check(answer)
assert solved
solved

# %% [markdown]
# ### Answers of yesterday

# %%
workspace, exercise, scene = begin("answers-of-yesterday")
exercise

# %%
from datetime import timedelta

from sotepki.services import fault_board
from sotepki.x509.ocsp_faults import OcspFaults

fault_board(workspace).set("dvvtshp2rc", OcspFaults(next_update_shift=timedelta(days=-2)))
solved = exercise.check()
assert solved
solved

# %%
leave()
print("sotepki notebook: reached the end")
