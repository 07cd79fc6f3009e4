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
# # The service provider: a small clinic on its way to Kanta
#
# Tandkliniken Havsbris has two dentists, one nurse, and a server in a cupboard. In spring it wants to write its
# patient records into the Patient Data Repository (Potilastietovaranto) like everybody else. Nobody there has ever
# seen a certificate request.
#
# This notebook goes the whole way with them: the contract, the certificates, the plans, the access rights, the first
# document. Then a year passes, because getting in is only half of it. A right ends, a plan falls due, a certificate
# runs out on a Friday night, a server is taken out of service. Forty minutes to read, half a minute to run.
#
# Ebba Dimstrand, dentist and physician, has been given the job. Kasperi Kaarnakoski of the supplier, Ohjelmistotalo
# Kaarna, knows the technical side. The story goes forward, cell by cell; if it has gone astray, the cell with
# `new_workspace` begins it anew.

# %%
from pictures import Actor, Deed, actors

AROUND = (
    Actor("THL", "keeps the organisation register", 0, 2),
    Actor("DVV", "contracts, certificates, cards", 1.95, 2),
    Actor("Valvira", "knows whose right is in force", 3.9, 2),
    Actor("Registration point", "of the county, hands out cards", 0, 1),
    Actor("The clinic", "answers for its people and plans", 1.95, 1),
    Actor("Kaarna", "supplies the information system", 3.9, 1),
    Actor("Kanta (Kela)", "keeps the patient records", 1.95, 0),
)
DEEDS = (
    Deed("THL", "DVV", "who is who"),
    Deed("DVV", "The clinic", "service certificates"),
    Deed("Valvira", "The clinic", "rights, asked daily"),
    Deed("Registration point", "The clinic", "cards"),
    Deed("Kaarna", "The clinic", "system"),
    Deed("The clinic", "Kanta (Kela)", "signed documents, mutual TLS"),
)
actors(AROUND, DEEDS)

# %%
from datetime import UTC, datetime, timedelta

from story import attempt, be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast, make_request
from sotepki.journey.card_holder import card_in_hand

be_kind()
workspace = new_workspace("provider", at=datetime(2026, 3, 2, 6, 0, tzinfo=UTC), card_keys=2)
cast = load_cast()
clinic = workspace.thl.organisation(cast.organisation("dental-clinic"))
provider = workspace.provider(clinic.oid)
ebba = workspace.valvira.professional_of(cast.person("dentist-and-physician"))
goran = workspace.valvira.professional_of(cast.person("dentist"))
lumi = workspace.valvira.professional_of(cast.person("nurse"))
registrar = cast.person("registrar-coast-1")
desk = workspace.directory / "clinic"
SERVICE = "patient-data-repository"

# %% [markdown]
# ## 1. The list on the first Monday
#
# What is needed to join is known from the pages of Kanta and DVV; the list is worked through from above. What stands
# open and is firmly known is an error and stands in the way. What we only remember, or have put there as good sense,
# warns.

# %%
from process_pictures import board, way

history = {}


def look(moment):
    """Evaluate the list, and remember for the picture how each item stands at this moment."""
    readiness = provider.readiness(provider.facts(SERVICE))
    for item in readiness.items:
        weight = str(item.finding.severity) if item.finding else ""
        state = "done" if item.met else "open" if weight == "error" else "warning"
        history.setdefault(item.rule.removeprefix("join."), {})[moment] = state
    return readiness


# %% NBVAL_CHECK_OUTPUT
monday = look("2 March")
print(f"ready: {monday.ready}, {len(monday.open)} of {len(monday.items)} open")
table(
    ("Item", "Stands", "Grade", "What to do"),
    [
        (f"`{item.rule}`", item.reason, shown["grade"], shown["advice"])
        for item, shown in ((item, item.as_dict()) for item in monday.items)
    ],
)

# %% [markdown]
# Two items are done, because somebody else has done them: THL has the clinic in the SOTE organisation register
# (SOTE-organisaatiorekisteri), and a private clinic is of the kind that joins. The rest is Ebba's spring.
#
# ## 2. A contract, so that there will be cards
#
# Dentists sign with professional cards (ammattikortti). The clinic will never run a registration point
# (rekisteröintipiste) for three people; it authorises the county's point to act for it (valtuutus). That is a
# contract with DVV, made in the e-service (verkkoasiointi), where the clinic first needs an account.

# %% NBVAL_CHECK_OUTPUT
eservice, contracts = workspace.service_certificates, workspace.contracts
attempt(
    "An account, identified by a friendly face",
    lambda: eservice.open_account(clinic.oid, user=ebba.person.hetu, identified_with="friendly-face"),
)
eservice.open_account(clinic.oid, user=ebba.person.hetu, identified_with="bank-codes")
eservice.invite(clinic.oid, by=ebba.person.hetu, user=cast.person("technical-contact"))
print("The account is open; a colleague was invited.")

# %% NBVAL_CHECK_OUTPUT
contract = contracts.draw_up(
    "authorisation", clinic.oid, signer=ebba.person.hetu, point="TEST-RP-02",
    delivery_address="Strandvägen 1, 00000 Fiktivnäs", contact="Ebba Dimstrand", language="sv",
)  # fmt: skip
contracts.sign(contract.id, by=ebba.person.hetu, method="bank-codes")
attempt("DVV approves", lambda: contracts.approve(contract.id))
contracts.attach_document(
    contract.id, "employment-certificate", "anstallda.txt", b"TEST: three people", by=ebba.person.hetu
)
contract = contracts.approve(contract.id)
print(contract.kind, "is", contract.state)

# %% [markdown]
# The certificate of employment (palvelussuhdetodistus) comes first, since the point cannot know who works at the
# clinic. Göran von Påhitt goes there, shows his passport, and comes back with a card and two PINs.

# %% NBVAL_CHECK_OUTPUT
card = card_in_hand(workspace, registrar=registrar, applicant=goran.person.hetu)
print("Göran's card is", card.state)

# %% [markdown]
# ## 3. The certificates of the system
#
# A server certificate (palvelinvarmenne) opens the connection to Kanta; a system signature certificate
# (järjestelmäallekirjoitusvarmenne) signs what no person signs. Ebba applies. She names Kasperi as technical contact
# (tekninen yhteyshenkilö), who gets a link by mail and sees nothing but this one application.

# %% NBVAL_CHECK_OUTPUT
import re

from sotepki.dvv import ApplicationKind, TechnicalContact

kasperi = TechnicalContact(
    "Kasperi Kaarnakoski", "kasperi@kaarna.test.example", shared_mailbox=f"teknik@{clinic.domains[0]}"
)


def mailed_link(application):
    """The code that came to the technical contact by mail."""
    (mail,) = (workspace.directory / "outbox" / "emails").glob(f"*{application}-link.eml")
    return re.search(r"--link (\S+)", mail.read_text(encoding="utf-8"))[1]


def apply(kind):
    """Ebba's application for a certificate, by the rules of production."""
    return eservice.apply(
        organisation=clinic.oid,
        kind=kind,
        user=ebba.person.hetu,
        contact=kasperi,
        as_production=True,
    )


server, signature = apply(ApplicationKind.SERVER), apply(ApplicationKind.SYSTEM_SIGNATURE)
for one in (server, signature):
    print(one, eservice.application(one).kind, eservice.application(one).state)

# %% [markdown]
# Kasperi makes keys on the clinic's server with `openssl req`; the private key never leaves it. His first request
# (varmennepyyntö, CSR) names a host of his own firm, out of habit.

# %% NBVAL_CHECK_OUTPUT
subject = {"C": "FI", "ST": "Finland", "L": clinic.municipality, "O": clinic.name}


def request(name, host):
    """A new key and a request for a host name."""
    return make_request(desk, name, {**subject, "CN": host}, dns_names=[host])


foreign = request("habit", "kanta.kaarna.test.example").request.read_bytes()
link = mailed_link(server)
attempt("The first request", lambda: eservice.attach_csr(server, foreign, link=link))
made = request("server", f"kanta.{clinic.domains[0]}")
ours, other_link = made.request.read_bytes(), mailed_link(signature)
attempt("With the other application's link", lambda: eservice.attach_csr(server, ours, link=other_link))
submitted = eservice.attach_csr(server, ours, link=link)
print(f"{server}: {submitted.state}; DVV answers by {submitted.promised_by}")

# %% [markdown]
# The content of the certificate is read from the request, not from the form; whatever is wrong in it is wrong in the
# certificate. From now on DVV's working days run, Finnish public holidays not counted. The officer has a question
# first.

# %% NBVAL_CHECK_OUTPUT
eservice.return_application(server, "Who runs the server?")
workspace.clock.advance(timedelta(days=1))
letter = b"TEST: Kaarna runs the server for us"
eservice.attach_document(server, "power-of-attorney", "kaarna.txt", letter, user=ebba.person.hetu)
eservice.complete(server, user=ebba.person.hetu)
workspace.clock.advance(timedelta(days=3))
issued = eservice.process(server)
print(issued.state, "and the promise is", issued.promise(workspace.clock.now()))

# %% [markdown]
# The way of this application, drawn from the journal; grey are the ways that it did not take.

# %%
import json

from sotepki.records import newest_entries
from sotepki.state_diagrams import all_machines

machines = {machine.id: machine for machine in all_machines()}
with workspace.records.look() as session:
    entries = [one for one in newest_entries(session, 1000) if one.subject == server]
steps = [json.loads(one.details) for one in entries]
taken = [steps[0]["from_state"], *(one["to_state"] for one in steps if "to_state" in one)]
way(machines["service-application"], taken)

# %% [markdown]
# The other certificate has a condition of its own: a **private** applicant attaches the system's certificate of
# conformity (vaatimustenmukaisuustodistus). And the number in it is another: not a host name, but the clinic's OID,
# which has to be the keeper's OID in every document that it signs.

# %% NBVAL_CHECK_OUTPUT
named = {**subject, "serialNumber": str(clinic.oid), "CN": "Havsbris TEST"}
system_request = make_request(desk, "signature", named)
eservice.attach_csr(signature, system_request.request.read_bytes(), link=mailed_link(signature))
attempt("DVV processes", lambda: eservice.process(signature))
paper = b"TEST certificate of conformity"
eservice.attach_document(signature, "conformity-certificate", "intyg.txt", paper, user=ebba.person.hetu)
print(signature, eservice.process(signature).state)

# %% NBVAL_CHECK_OUTPUT
delivered = {one: eservice.collect(one).certificate for one in (server, signature)}
mails = (workspace.directory / "outbox" / "emails").iterdir()
print(sorted(path.name.partition("-")[2] for path in mails if server in path.name))
for one in delivered.values():
    kept = one.not_valid_after_utc - one.not_valid_before_utc
    print(one.subject.rfc4514_string().partition(",")[0], "-", round(kept.days / 365), "year(s)")

# %% [markdown]
# A server certificate lives one year at most, a system signature certificate two. Ebba writes both days into the
# clinic's calendar, with a note two months earlier. Whether DVV reminds anybody is not known.
#
# ## 4. The plans
#
# Every provider writes an information-security plan (tietoturvasuunnitelma), and a clinic a self-monitoring plan
# (omavalvontasuunnitelma) as well. A plan is not a file in a drawer: it has parts, an author, somebody who approves
# it, and a day of review.

# %% NBVAL_CHECK_OUTPUT
from sotepki.provider.plans import plan_kinds

kinds = plan_kinds()
parts = kinds["information-security"].parts
table(
    ("Part", "What it tells", "Grade"),
    [(f"`{name}`", part.text, part.grade) for name, part in parts.items()],
)

# %% NBVAL_CHECK_OUTPUT
from datetime import date

plans = provider.plans


def write(kind, part, text):
    """Ebba writes a part of a plan."""
    return plans.write(clinic.oid, kind, part, text, actor="Ebba")


def approve(kind, review_by):
    """Göran, who owns the clinic, approves a plan."""
    return plans.approve(clinic.oid, kind, review_by=review_by, actor="Göran")


SECURITY = "information-security"
for kind in kinds:
    plans.begin(clinic.oid, kind, actor="Ebba")
write(SECURITY, "training", "Everybody is trained every May.")
attempt("A patient's code", lambda: write(SECURITY, "incidents", "As with 010181-900C."))
attempt("Approved half-written", lambda: approve(SECURITY, date(2026, 12, 1)))
for kind, known in kinds.items():
    for part in known.parts:
        write(kind, part, f"See chapter {part} of the handbook.")
attempt("Reviewed in three years", lambda: approve(SECURITY, date(2029, 3, 1)))
for kind in kinds:
    plan = approve(kind, date(2027, 2, 1))
    print(f"{kind}, version {plan.version}: {plan.state}, next review by {plan.review_by:%d.%m.%Y}")

# %% [markdown]
# What the plan must tell is partly read in public texts and partly known from second-hand copies; the grades say
# which. That once a year is often enough is our choice.
#
# ## 5. The people
#
# A card shows who somebody is. What they may do *here* the clinic decides, by task and right (käyttöoikeus), and it
# answers for it. Lumi Tuiskuoja, the nurse, reads and writes records; she does not prescribe.


# %% NBVAL_CHECK_OUTPUT
def grant(professional, duty):
    """Ebba gives somebody a task of the clinic."""
    given = provider.grant_access(professional.registration_number, duty, actor="Ebba")
    print(professional.person.first_name, "has", given.task)


for one in (goran, ebba, lumi):
    grant(one, "patient-records")
grant(goran, "prescribing")
attempt("Lumi, prescribing", lambda: grant(lumi, "prescribing"))
tuomo = workspace.valvira.professional_of(cast.person("nurse-whose-right-was-removed"))
attempt("Tuomo, who asks for work", lambda: grant(tuomo, "patient-records"))

# %% [markdown]
# Tuomo Pyryharju has been a nurse for twenty years. Valvira has removed his right, which no paper in his folder
# tells; the register does.
#
# A sweep every night asks Valvira about everybody. Then the rest of the list: training, support, who is called when
# Kanta is down.

# %% NBVAL_CHECK_OUTPUT
from sotepki.provider.books import MODEL, SupportContact
from sotepki.provider.join_lists import join_data

attempt("A sweep every second day", lambda: provider.schedule.set(clinic.oid, 48, actor="Ebba"))
provider.schedule.set(clinic.oid, 24, actor="Ebba")
staff = [one.registration_number for one in (ebba, goran, lumi)]
for topic in join_data().topics:
    provider.books.train(staff, topic, actor="Ebba")
support = f"support@{clinic.domains[0]}"
provider.books.name_support(
    SupportContact("Havsbris support TEST", support, "+358 40 000 0000", "8-16"), actor="Ebba"
)
for model, text in join_data().models.items():
    provider.books.arrange(f"{MODEL}{model}", f"handbook, chapter {model}", actor="Ebba")
    print("agreed on:", text)
provider.books.arrange("access-point", "our own system", actor="Ebba")
friday = look("6 March")
print("still open:", ", ".join(item.rule for item in friday.open))

# %% [markdown]
# ## 6. The supplier's part
#
# What is left is not the clinic's to do, and yet the clinic's to check: that the system stands in the register of
# information systems (Astori) with a security certificate in force, and that this very version has been through joint
# testing (yhteistestaus). Kaarna registers its Kaiku 4.2 in March and is tested in May; notebook 07 shows how. Here
# it is one cell.

# %%
from sotepki.kela import SystemClass
from sotepki.valvira.supervision import EvidenceKind, Role

entered = workspace.supervision.notify(
    name="Kaiku",
    version="4.2",
    system_class="A2",
    kind="information-system",
    purpose="patient records",
    producer="Ohjelmistotalo Kaarna Oy TEST",
    actor="Kaarna",
)
tests = workspace.joint_tests
test = tests.register(
    system="Kaiku",
    version="4.2",
    supplier=cast.organisation("vendor"),
    system_class=SystemClass.A2,
    content="Potilastietovaranto",
    begins_on=date(2026, 5, 7),
    actor="Kaarna",
)
tests.report_pretests(test, significant_errors=0, actor="Kaarna")
workspace.clock.advance(datetime(2026, 5, 11, 6, 0, tzinfo=UTC) - workspace.clock.now())
workspace.catch_up()
tests.finish_phase(test, 1, passed=True, actor="kela")
statement = tests.give_statement(test, actor="kela")
papers = {EvidenceKind.JOINT_TEST: statement.number, EvidenceKind.SECURITY_CERTIFICATE: "TT-1"}
for kind, number in papers.items():
    workspace.supervision.attach(
        entered.id, kind, number=number, issuer="TEST", issued_on=date(2026, 5, 11), actor="LVV"
    )

# %% NBVAL_CHECK_OUTPUT
provider.books.arrange("information-system", entered.id, actor="Ebba")
too_early = provider.readiness(provider.facts(SERVICE))
print(next(item.reason for item in too_early.open))
workspace.supervision.step(entered.id, "register", role=Role.AUTHORITY, actor="LVV")
ready = look("11 May")
print("ready:", ready.ready, "- open:", len(ready.open))

# %%
board({name: list(states.values()) for name, states in history.items()}, list(history["plan"]))

# %% [markdown]
# Two warnings of March deserve a word. Older pages bar the use of a system without joint testing; the newer page of
# the supervisory authority says that it may be possible under conditions (docs/field/kanta.md 11), and so its absence
# warns. Ebba waited all the same: conditions are for others to argue about.
#
# ## 7. The first document
#
# Göran writes a record of his first visit that day, types PIN2, and the clinic's server sends it.

# %%
from contextlib import ExitStack

from sending_story import PostRoom, identity_of

from sotepki.documents import build_patient_record
from sotepki.services import running_services

stack = ExitStack()
services = stack.enter_context(running_services(workspace))
room = PostRoom(workspace, services)
patient = workspace.population.person(cast.person("client-swedish"))


def send(what, shown):
    """A record that Göran writes and signs now, sent over a connection with this certificate."""
    record = build_patient_record(
        client=patient,
        organisation=clinic,
        author=goran,
        document_oid=room.new_oid(clinic),
        created=workspace.clock.now(),
    )
    signed = room.by_card(record, goran, card.card_number)
    room.send(what, room.framed(signed, clinic), shown)


first_server = identity_of(workspace, server, made, desk)

# %% NBVAL_CHECK_OUTPUT
send("the first record", first_server)

# %% [markdown]
# ## 8. A Tuesday in September: a right ends
#
# Valvira removes Göran's right. No letter comes to the clinic, and nothing on his card changes. Three questions,
# three answers:

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=113, hours=3))
workspace.catch_up()
number, reason = goran.registration_number, "TEST decision"
workspace.valvira.remove_right(number, "T02", actor="valvira", reason=reason)

held = [one.registration_number for one in provider.access.held(clinic.oid)]
print("stands in the clinic's books:", number in held)
print("may write records now:       ", provider.may(number, "patient-records"))
print("his certificate is:          ", workspace.vartti.order(card.id).state)
send("he signs a record all the same", first_server)

# %% [markdown]
# The books still hold his access right, and `may`, which asks Valvira at the moment of the deed, already says no.
# Kanta asks too. Overnight the sweep puts the books in order:

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=1))
for _organisation, swept in workspace.sweep_schedule.follow_time():
    print(f"{swept.checked} checked, {len(swept.ended)} ended")
    for access, why in zip(swept.ended, swept.reasons, strict=True):
        print(f"  {access.task}: {why} [{access.ended_by}]")

# %% [markdown]
# A month later the decision is reversed. The right is back; the access is not. It is given anew, by somebody who has
# looked.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=30))
workspace.valvira.restore_right(number, "T02", actor="valvira", reason=reason)
print("may write records:", provider.may(number, "patient-records"))
grant(goran, "patient-records")
print("may write records:", provider.may(number, "patient-records"))

# %% [markdown]
# ## 9. Renewal, before the Friday night
#
# In January Ebba's note comes up: the server certificate ends in the first week of March, on a Friday night. A
# renewal (uusiminen) is always a new order, with a **new key**. Kasperi tries last year's request first; it lies
# there so handily.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(datetime(2027, 1, 11, 7, 0, tzinfo=UTC) - workspace.clock.now())
workspace.catch_up()
renewal = eservice.renew(server, user=ebba.person.hetu)
attempt("Last year's request", lambda: eservice.attach_csr(renewal, made.request.read_bytes()))
remade = request("server-2027", f"kanta.{clinic.domains[0]}")
eservice.attach_csr(renewal, remade.request.read_bytes())
workspace.clock.advance(timedelta(days=4))
print(renewal, eservice.process(renewal).state, "- follows", eservice.application(renewal).renewal_of)
second_server = identity_of(workspace, renewal, remade, desk)

# %% [markdown]
# Both are valid now, for some weeks, and that is the point: the new one is installed and tried while the old one
# still works.

# %%
from calendar_pictures import spans

from sotepki.clock import finnish_day


def days(certificate):
    """First and last day of a certificate, in Finland."""
    return finnish_day(certificate.not_valid_before_utc), finnish_day(certificate.not_valid_after_utc)


def picture():
    """The clinic's certificates and plan against today."""
    plan = plans.in_force(clinic.oid, "information-security")
    rows = {
        "server, first": days(first_server.certificate),
        "server, second": days(second_server.certificate),
        "system signature": days(delivered[signature]),
        "plan, until its review": (plan.reviewed_on, plan.review_by),
    }
    return spans(rows, today=finnish_day(workspace.clock.now()))


picture()

# %% NBVAL_CHECK_OUTPUT
send("with the first certificate", first_server)
send("with the second", second_server)

# %% [markdown]
# Kasperi tries the second certificate, is content, and forgets to switch. The weekend comes.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(
    first_server.certificate.not_valid_after_utc - workspace.clock.now() + timedelta(days=2, hours=9)
)
workspace.catch_up()
print(server, "is", eservice.application(server).state)
send("Monday, with the first certificate", first_server)
send("with the second", second_server)

# %% [markdown]
# A restart with the right file, and the clinic works again. Had the second certificate not been in the drawer, it
# would have been a week of paper.
#
# And the list? Ebba looks at it once more, because the list is not only for joining:

# %% NBVAL_CHECK_OUTPUT
spring = look("8 March 2027")
print("ready:", spring.ready)
for item in spring.open:
    print(f"  {item.rule}: {item.reason}")

# %% [markdown]
# The day of review has passed. Reviewing a plan that still holds takes one meeting and one line:

# %% NBVAL_CHECK_OUTPUT
for kind in kinds:
    plans.review(clinic.oid, kind, review_by=date(2028, 2, 1), actor="Göran")
print("ready:", look("reviewed").ready)

# %%
board({name: list(states.values()) for name, states in history.items()}, list(history["plan"]))

# %% [markdown]
# ## 10. Removal
#
# In summer the clinic moves its system to Kaarna's machine room. The server in the cupboard is switched off, and its
# certificate should not outlive it: somebody might find the disk. Revocation (varmenteen sulkeminen) is asked for
# with the serial number and a reason.

# %% NBVAL_CHECK_OUTPUT
from sotepki.dvv import SOTE_SERVICES

workspace.clock.advance(datetime(2027, 6, 14, 7, 0, tzinfo=UTC) - workspace.clock.now())
workspace.catch_up()
serial = second_server.certificate.serial_number


def revoke(number, reason):
    """Ebba asks for the revocation of the server certificate."""
    user = ebba.person.hetu
    return eservice.request_revocation(renewal, serial=number, reason=reason, user=user)


attempt("Without looking at the number", lambda: revoke(0, "not-needed"))
attempt("With a reason that is DVV's to give", lambda: revoke(serial, "misuse-suspected"))
print(renewal, "is", revoke(serial, "not-needed").state)
workspace.authorities.publish(workspace.published)
attempt("Undone", lambda: revoke(serial, "not-needed"))

# %% NBVAL_CHECK_OUTPUT
import time

workspace.clock.advance(timedelta(hours=1))
time.sleep(1.1)  # Kanta remembers a good answer for a second
send("with the revoked certificate", second_server)
listed = workspace.authorities.issued(authority_id=SOTE_SERVICES, serial_number=serial)
print("in DVV's books:", len(listed), "certificate of this number; revoked for good")

# %% [markdown]
# When a clinic closes altogether, the same is done with every certificate, the access rights of everybody are ended
# by hand, and the cards stay with their holders: a professional card belongs to the person, not to the employer.

# %% NBVAL_CHECK_OUTPUT
from sotepki.records import first_break

reason = "the clinic closes"
for one in provider.access.held(clinic.oid):
    person, duty = one.registration_number, one.task
    provider.access.end(clinic.oid, person, duty, actor="Ebba", reason=reason)
print("access rights left:", len(provider.access.held(clinic.oid)))
print("Göran's card:", workspace.vartti.order(card.id).state)
with workspace.records.look() as session:
    print("the journal's chain is unbroken:", first_break(session) is None)

# %% [markdown]
# ## What was shown

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "contract.attachments",
    "account.strong-identification",
    "application.server.domain",
    "application.contact.application",
    "application.conformity-certificate.production",
    "csr.key.reused",
    "plan.complete",
    "plan.review-day",
    "access.right",
    "access.prescriber",
    "doc.right",
    "kanta.client.validity",
    "kanta.client.revoked",
    "application.revocation-serial",
    "join.plan",
)

# %% [markdown]
# ## Exercises
#
# Each is checked. They concern other providers of the test world, so nothing that you did above stands in the way.

# %%
from sotepki.training import task

care_home = task("care-home-server", workspace)
care_home

# %%
# Your turn: account, application, request, decision.

# %%
care_home.check()

# %%
plan_exercise = task("plan-of-the-unit", workspace)
plan_exercise

# %%
# Your turn: begin, write, approve.

# %%
plan_exercise.check()

# %%
renewal_exercise = task("renew-and-revoke", workspace)
renewal_exercise

# %%
# Your turn: order anew with a new key, then have the old certificate revoked.

# %%
renewal_exercise.check()

# %% [markdown]
# And without a check: open the calendar of your own organisation. Which certificate ends next, who knows it, and
# where does the new one come from? *Expected: a name, not a department.*

# %%
stack.close()
close("provider")
print("sotepki notebook: reached the end")
