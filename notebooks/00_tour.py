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
# # A tour: one document's way into Kanta
#
# Before a document of Finnish health or social care rests in Kanta, many hands have touched it. A person got the right
# to practise, a registrar looked at a passport, a chip made a signature, a server showed who it is. Each of these can go
# wrong, and each has an office that answers for it.
#
# This tour walks the whole way once, on your own machine, with people who do not exist. It takes half an hour to
# read and half a minute to run. Nothing here is real but the cryptography: every name says TEST, every identity code is
# of the 900-series, and the keys were made a moment ago.

# %%
from pictures import actors, validity
from story import attempt, be_kind, close, new_workspace, rules_shown, table

be_kind()
actors()

# %% [markdown]
# The authorities stand above, the people of a care provider in the middle, and below them Kanta, which trusts nobody
# without a certificate. We begin with a new workspace: registers with invented people and organisations, and a certificate
# authority whose keys lie in SoftHSM. Its clock stands on a Monday morning in March, and moves when we move it.

# %%
from datetime import UTC, datetime, timedelta

from sotepki.journey import load_cast

workspace = new_workspace("tour", at=datetime(2026, 3, 2, 6, 0, tzinfo=UTC), card_keys=3)
cast = load_cast()

# %% NBVAL_CHECK_OUTPUT
for what, count in workspace.counts().items():
    print(f"{count:>4} {what}")

# %% [markdown]
# We shall go with **Leevi Suvantola-Testi**, who begins today in the county's social services, and with the first document
# that he writes: a client plan (asiakassuunnitelma) for **Testi-Pekka Hiidenkivi**. On the way we meet **Raili
# Kaamosjärvi** and **Tuulikki Ánotvuoma**, registrars; **Kasperi Kaarnakoski**, who looks after Kaiku, the county's
# information system; **Aino Hallavuo**, physician; and somebody at a pharmacy.
#
# ## 1. Valvira: the right to practise (ammattioikeus)
#
# Leevi has a degree and no professional right yet. Raili tries to order a professional card (ammattikortti) for him all
# the same. Vartti, the system of the registrars, asks Valvira's register, and says no. (`attempt` tries something, and
# prints the refusal if there is one.)

# %%
from sotepki.journey.card_holder import PIN1, PIN2, activation_code, card_in_hand, passport

raili, leevi = cast.person("registrar-county-1"), cast.person("employee-without-right")

# %% NBVAL_CHECK_OUTPUT
attempt(
    "Card order",
    lambda: workspace.vartti.order_professional_card(registrar=raili, applicant=leevi, identity=passport(workspace)),
)

# %% [markdown]
# Every refusal in `sotepki` looks like this: a sentence for people, and the id of the rule, under which the rule book
# has its source and how firmly it is known. Now Valvira grants the right of a social worker. Leevi enters Suosikki, the
# register of social welfare, and gets a registration number of eleven digits (rekisteröintinumero), for life.

# %% NBVAL_CHECK_OUTPUT
professional = workspace.valvira.grant_right(leevi, "T40", actor="valvira")
number, right = professional.registration_number, professional.rights[0]
print(number)
print(f"{right.register}: {right.title_fi} / {right.title_sv}")

# %% [markdown]
# Remember the number. From here on it is Leevi for every machine: names change and repeat, the identity code is not
# everybody's to know, the number stays.
#
# ## 2. The registrar: from a passport to a card
#
# A registrar (rekisteröijä) has passed DVV's course, works at a registration point (rekisteröintipiste), checks the
# applicant's identity face to face, and orders. A registrar may order for everybody but themself.

# %% NBVAL_CHECK_OUTPUT
tuulikki = cast.person("registrar-county-2")
attempt(
    "Order for oneself",
    lambda: workspace.vartti.order_professional_card(
        registrar=tuulikki, applicant=tuulikki, identity=passport(workspace)
    ),
)

# %% NBVAL_CHECK_OUTPUT
order = card_in_hand(workspace, registrar=raili, applicant=leevi)
print(f"card {order.card_number}: {order.state}")

# %% [markdown]
# `card_in_hand` took in a blink what takes the post some days: order, making, handing over against a passport,
# activation. The card and the code travel apart, so that nobody has both but Leevi. The letter with the activation code
# (aktivointitunnusluku) lies in the outbox; he used it to set two PINs. The code still opens a locked card afterwards, so
# it is kept in a safe place.

# %% NBVAL_CHECK_OUTPUT
letter = next((workspace.directory / "outbox" / "letters").iterdir()).read_text(encoding="utf-8")
print(letter.splitlines()[0])
print("The code has", len(activation_code(workspace, order.card_number)), "digits, and is not printed here.")

# %% [markdown]
# ## 3. The card: two keys, two PINs
#
# PIN1 (perustunnusluku) opens the authentication key until the card is pulled. PIN2 (allekirjoitustunnusluku) is good for
# **one** signature. Five wrong tries lock a PIN.

# %% NBVAL_CHECK_OUTPUT
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from sotepki.tokens import Pin

how = (padding.PKCS1v15(), hashes.SHA256())
with workspace.cards.insert(order.card_number) as card:
    attempt("Signature without PIN2", lambda: card.signature_key.sign(b"hello", *how))
    attempt("Wrong PIN2", lambda: card.verify_pin2(Pin("000000")))
    print("tries left:", card.tries())
    card.verify_pin2(PIN2)
    card.signature_key.sign(b"hello", *how)
    print("one signature made")
    attempt("A second one", lambda: card.signature_key.sign(b"hello", *how))
    subject = card.certificate("signature").subject

# %% NBVAL_CHECK_OUTPUT
for attribute in subject:
    print(f"{attribute.oid._name:>14}  {attribute.value}")

# %% [markdown]
# That is the subject of the signature certificate. The registration number stands in `serialNumber`. The title is the
# right of the day on which the card was ordered. Whether it is in force this week, whether it is restricted, and where
# Leevi works, stands nowhere: for five years a certificate says *who* somebody is. What they may do, others must be asked.
#
# ## 4. The service provider: two certificates for a system, and a list of people
#
# The provider has an information system, and the system too must show who it is. Kasperi makes keys and requests with
# `openssl req` on the county's own server. DVV checks the requests against THL's register and mails the certificates in DER
# and PEM. The server certificate (palvelinvarmenne) is for TLS; the system signature certificate
# (järjestelmäallekirjoitusvarmenne) signs what no person signs.

# %% NBVAL_CHECK_OUTPUT
from sotepki.journey.service_provider import provider_system

organisation = workspace.thl.organisation(cast.organisation("social-services"))
provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
print(provider.host_name)
mails = (path.name.partition("-")[2] for path in (workspace.directory / "outbox" / "emails").iterdir())
print("to the technical contact:", ", ".join(sorted(name for name in mails if name.startswith("S000001"))))

# %%
root, ca = workspace.authorities.root, workspace.authorities.certificate("sote-persons")
certificates = {
    "root": root,
    "issuing CA": ca,
    "card signature": workspace.cards.read(order.card_number).certificates["signature"],
    "system signature": provider.system_signature.certificate,
    "server": provider.server.certificate,
}
now = workspace.clock.now()


def years(moment):
    return (moment - now).days / 365.25


validity(
    {
        name: (max(0, years(one.not_valid_before_utc)), years(one.not_valid_after_utc))
        for name, one in certificates.items()
    }
)

# %% [markdown]
# The lowest bar is the one that is forgotten: a server certificate lasts a year, and nobody is sure to remind you.
#
# Then the employer decides what its people may do *here*, task by task (käyttöoikeus), and answers for it.

# %% NBVAL_CHECK_OUTPUT
employer = workspace.provider(organisation.oid)
attempt("Leevi, prescribing", lambda: employer.grant_access(number, "prescribing", actor="administrator"))
print("Leevi has the task", employer.grant_access(number, "client-records", actor="administrator").task)

# %% [markdown]
# ## 5. The registers, as systems ask them
#
# Until now people asked offices. Most questions are asked by machines, and each register has its own door. THL's
# organisation register and Valvira's public service (JulkiSuosikki) stand open to everybody; the role and attribute service
# (rooli- ja attribuuttitietopalvelu) speaks over mutual TLS, and only to systems that were approved for it. All three now
# answer on this machine.

# %%
from contextlib import ExitStack

from tour_story import Registers

from sotepki.services import running_services

stack = ExitStack()
services = stack.enter_context(running_services(workspace))
registers = Registers(workspace, services, stack)


def of_rights(answer):
    """The professional's rights in an answer of the attribute service, or why there is none."""
    return [one["code"] for one in answer["rights"]] if "rights" in answer else answer["rule"]


# %% NBVAL_CHECK_OUTPUT
print("THL, of the organisation:      ", registers.organisation(organisation.oid)["name"])
print("JulkiSuosikki, of Leevi:       ", registers.public(number))
print("attribute service, not approved:", of_rights(registers.attributes(number, provider.server)))
workspace.approved_systems.approve(
    provider.host_name, system="Kaiku 4.2", organisation=organisation.oid, actor="valvira"
)
print("attribute service, approved:    ", of_rights(registers.attributes(number, provider.server)))

# %% [markdown]
# Leevi got his right this morning, and the public does not know him: the public service is a copy, made once a day. The
# attribute service knows him at once. When two registers seem to disagree, ask first how old each answer is.
#
# ## 6. Kanta: who sends, who signed, and had they the right
#
# The plan is written. Leevi signs it with his card; the system signs a client-relationship document
# (asiakkuusasiakirja) of its own. Both travel in a message frame (siirtokehys) over mutual TLS. Kanta asks, in this order:
# who is at the other end of the connection, does the frame belong to them, is the document intact, who signed it, is the
# certificate in force, and did the person have a right when they signed?

# %%
from sending_story import PostRoom

from sotepki.journey.walk import Walk

walk, room = Walk(workspace, print), PostRoom(workspace, services, minutes=10)


def send(what, document, system=provider):
    """Put a document into a frame of the system's organisation, send it, and tell what Kanta answers."""
    return room.send(what, room.framed(document, system.organisation, request="SP17"), system.server)


# %% NBVAL_CHECK_OUTPUT
plan = walk.by_card(organisation, professional, order)
archived = send("Leevi's plan", plan)
_ = send("signed by the system", walk.by_system(provider))

# %% [markdown]
# AA means: accepted and archived. What exactly did Leevi sign? The verifier says which elements the signature covers, and
# gives back only those.

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import VerificationContext, verify_document
from sotepki.dvv import SOTE_PERSONS

context = VerificationContext(
    trust=[root],
    intermediates=[workspace.authorities.certificate(SOTE_PERSONS)],
    at=workspace.clock.now(),
    revocation=False,
    rights=workspace.valvira,
)
report = verify_document(plan, context)
print(report.verdict)
for path in report.signatures[0].covered:
    print(" ", path)
print(report.body().structured["asiakirja"]["otsikko"])

# %% [markdown]
# Body and time of signing are covered; the header is not, so its values are compared with what is signed. And what Kanta
# keeps, it gives back byte for byte, to those who may have it. A clinic with an impeccable certificate asks for Leevi's
# plan:

# %% NBVAL_CHECK_OUTPUT
clinic = workspace.thl.organisation(cast.organisation("clinic"))
stranger = provider_system(workspace, clinic, user=cast.person("technical-contact"))
kept = services.kanta.retrieve(archived.document_id, provider.server.certificate)
print("for the county, byte for byte:", kept == plan)
attempt("For the clinic", lambda: services.kanta.retrieve(archived.document_id, stranger.server.certificate))

# %% [markdown]
# "There is no such document **for this client**": whether another one has it is not told either.
#
# ## 7. Tuesday: the card lies at home
#
# Leevi stands at the door without his card, and clients wait. Raili takes a blank from the cabinet, looks at his passport,
# and makes a spare card (varakortti) on the spot. He types his PINs at the desk; there is no letter.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=1))
(blank,) = workspace.spare_cards.receive_blanks(1, registrar=raili)


def spare_card(days):
    """A spare card for Leevi, made at the desk."""
    return workspace.spare_cards.issue(
        blank.number, registrar=raili, holder=leevi, identity=passport(workspace), days=days
    )


attempt("For two months", lambda: spare_card(60))
spare = spare_card(2)
with workspace.cards.insert(spare.number) as card:
    card.activate(spare.activation_code, PIN1, PIN2)
    issued_by, own = card.certificate("signature").issuer, certificates["card signature"].issuer
print("the authority of his own card issued it:", issued_by == own)

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import build_social_document

client = workspace.population.person(cast.person("client-adult"))
note = build_social_document(
    client=client,
    organisation=organisation,
    author=professional,
    document_oid=room.new_oid(organisation),
    created=workspace.clock.now(),
)
_ = send("signed with the spare card", room.by_card(note, professional, spare.number))

# %% [markdown]
# Another chip, other keys, another authority, and accepted: Kanta looks for the registration number and asks for the right,
# and both are Leevi's. The remark is honest ignorance: in none of the documents that could be looked at had a spare card
# signed, so the emulator may remark on the form of its certificate, and not refuse. A system that recognises its users by their
# *certificate* would have locked Leevi out. The next morning he brings the card back; its certificates are revoked and the
# blank is emptied.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=1))
print("spare card:", workspace.spare_cards.take_back(spare.number, registrar=raili).state)

# %% [markdown]
#
# ## 8. Next door: a prescription
#
# That Wednesday Testi-Pekka has a sore throat. Health care takes the same road with other documents: Aino signs a
# prescription (lääkemääräys) with her card, and it goes not into the county's archive but into the Prescription Centre
# (Reseptikeskus), which Kela keeps. The pharmacy's own server sends that it was dispensed (lääketoimitus).

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import build_prescription

aino = workspace.valvira.professional_of(cast.person("physician"))
ainos = card_in_hand(workspace, registrar=raili, applicant=aino.person.hetu)
county = workspace.thl.organisation(cast.organisation("county"))
pharmacy = workspace.thl.organisation(cast.organisation("pharmacy"))
county_system, pharmacy_system = (
    provider_system(workspace, one, user=cast.person("technical-contact")) for one in (county, pharmacy)
)


def written(kind, at, author=None):
    """An unsigned document of the Prescription Centre."""
    return build_prescription(
        client=client, organisation=at, author=author, kind=kind, document_oid=room.new_oid(at),
        created=workspace.clock.now(),
    )  # fmt: skip


prescription = room.by_card(written("prescription", county, aino), aino, ainos.card_number)
send("Aino's prescription", prescription, county_system)
_ = send("dispensed", room.by_system(written("dispensing", pharmacy), pharmacy_system), pharmacy_system)

# %% [markdown]
# Could Leevi help out? His card signs as well as Aino's. But her certificate bears a prescriber's identifier
# (yksilöintitunnus), and his does not.

# %% NBVAL_CHECK_OUTPUT
_ = attempt(
    "Leevi prescribes",
    lambda: room.by_card(written("prescription", county, professional), professional, order.card_number),
)

# %% [markdown]
# Whose signature, which certificate, in whose name the frame: that is the whole grammar, and each kind of document has a
# sentence of its own. Notebook 06 has them all.
#
# ## 9. Consequences: a document, a right
#
# Back to the county. One character is changed on the way. Kanta need not know by whom:

# %% NBVAL_CHECK_OUTPUT
from sotepki.journey.walk import changed

_ = send("changed on the way", changed(walk.by_system(provider)))

# %% [markdown]
# A week later Valvira removes Leevi's right; the reasons are not for a tour. He has his card, his PINs and his seat in the
# office. Who notices?

# %%
from tour_story import revocation

workspace.clock.advance(timedelta(days=7))
_ = workspace.valvira.remove_right(number, "T40", actor="valvira", reason="tour")

# %% NBVAL_CHECK_OUTPUT
for who, says in revocation(workspace, services, certificates["card signature"]).items():
    print(f"{who}: {says}")
print("attribute service:", of_rights(registers.attributes(number, provider.server)) or "no right")
print("JulkiSuosikki:", len(registers.public(number)), "found")
_ = send("after the right was removed", walk.by_card(organisation, professional, order))

# %% [markdown]
# The certificate is *good*: no source says that it is revoked by itself when a right ends. Whoever only checks certificates
# would have let the document through; the right must be **asked for**, and Kanta asks. The public learns of it tomorrow. And
# the employer's own list? It knows when somebody looks, which is a duty (docs/field/registration.md 1):

# %% NBVAL_CHECK_OUTPUT
print("still on the list:", [one.task for one in employer.access.held(organisation.oid)])
for access, reason in zip((sweep := employer.sweep()).ended, sweep.reasons, strict=True):
    print(f"ended by the sweep: {access.task} - {reason} [{access.ended_by}]")

# %% [markdown]
# It was an error, as it turns out; on the same day the right is granted again. Kanta asks about the moment of the
# *signature*, so what Leevi signed in between stays refused, and has to be signed anew.
#
# ## 10. Revocation, and what Kanta says after it
#
# On the way home Leevi loses the card. In his outbox waits a document that he signed ten minutes before. He calls the
# revocation service (sulkupalvelu), which closes the card: its certificates come onto the revocation list, and the OCSP
# responder says so to everybody who asks.

# %% NBVAL_CHECK_OUTPUT
import time

workspace.valvira.grant_right(leevi, "T40", actor="valvira")
waiting = walk.by_card(organisation, professional, order)
workspace.clock.advance(timedelta(minutes=10))
closed = workspace.vartti.close_card(order.card_number, "lost", leevi)
workspace.authorities.publish(workspace.published)
print("the card:", closed.state)
for who, says in revocation(workspace, services, certificates["card signature"]).items():
    print(f"{who}: {says}")

# %% NBVAL_CHECK_OUTPUT
time.sleep(1.1)  # Kanta remembers a good answer for a second
send("signed before the loss, sent after", waiting)
_ = send("signed with the lost card", walk.by_card(organisation, professional, order))

# %% [markdown]
# The chip knows nothing of it and signs as before, if the finder has PIN2. The first document is accepted, with a remark:
# it was signed while the certificate was good. The second comes too late. (How far a signer's own clock may be believed is
# the subject of notebook 13.) The nine days once more, drawn from what Kanta answered:

# %%
from accident_pictures import chronicle

chronicle(room.events, form="%d.%m. %H:%M")

# %% [markdown]
# ## 11. The report
#
# Kanta judges one document at a time and says little. Before a system comes so far, its makers want the whole list: what
# would joint testing (yhteistestaus) object to? The conformance suite asks this of files, commands and running systems. Here
# it gets two documents of the county: Leevi's plan as it was archived, and the same plan with one character changed.

# %% NBVAL_CHECK_OUTPUT
from conformance.declaring import Area
from conformance.running import run
from conformance.session import Selection
from conformance.sut.loading import attach

desk = workspace.directory / "report"
(desk / "documents").mkdir(parents=True, exist_ok=True)
(desk / "documents" / "plan.xml").write_bytes(plan)
(desk / "documents" / "changed.xml").write_bytes(changed(plan))
description = f"""name = "The county TEST"
[trust]
workspace = "{workspace.directory}"
[documents]
directory = "documents"
"""
(desk / "system.toml").write_text(description, encoding="utf-8")
with attach(desk / "system.toml") as attached:
    chosen = Selection(areas=frozenset({Area.SIGNATURES}))
    summary = run(attached.sut, desk / "first", selection=chosen, bench=attached.bench, language="en")
objections = [one for one in summary.results if str(one.verdict) not in ("pass", "skip")]
table(
    ("Case", "Verdict", "Why", "Where"),
    [(f"`{one.case}`", one.verdict, one.reason, one.findings[0].where.partition(":")[0]) for one in objections],
)

# %% [markdown]
# One case, one file, one rule: the digest of the body. `report.html` in the same directory says it for people, with sources and
# evidence, in three languages. How such a report is read down to its cause, notebook 09 shows.
#
# ## 12. The journal
#
# Everything that changed anything stands in the audit journal, each entry hashed together with the one before it.

# %% NBVAL_CHECK_OUTPUT
from sotepki.records import first_break, newest_entries

TOLD = ("grant-right", "remove-right", "card-order.hand-over", "spare.issued", "certificate-revoked")
with workspace.records.look() as session:
    print("broken link:", first_break(session))
    for entry in newest_entries(session, 1000):
        if entry.action in TOLD:
            print(f"{entry.at:%d.%m.} {entry.office}: {entry.action}")

# %% [markdown]
# Read it from below. No office saw the whole way, and none had to: each looked at its own piece, asked the next one by the
# number, and wrote down what it did.
#
# ## What was shown

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "order.right.none", "order.not-for-oneself", "card.pin2.not-verified", "card.pin.wrong", "access.right",
    "attribute.client.approved", "kanta.document.unknown", "spare.days", "doc.digest.body", "doc.right",
    "doc.certificate.revoked-later", "doc.certificate.revoked",
)  # fmt: skip

# %% [markdown]
# Where next? Each role has a notebook of its own ([the list](README.md)); the vendor's is [09](09_vendor.ipynb), the
# registrar's [03](03_registrar.ipynb), and the words of the field in three languages stand in
# [the glossary](14_glossary.ipynb).
#
# ## Exercises
#
# Two are checked: `check()` looks at what you did or handed in, and says what is still missing; `hint()` helps. Solutions
# stand in [solutions](solutions.ipynb).

# %%
from sotepki.training import task

second_card = task("a-card-too-many", workspace)
second_card

# %%
# Your turn: order it, and look at what is said.
second_card.check()

# %%
whose = task("whose-signature", workspace)
whose

# %%
# Your turn: verify the file, and hand in a number instead of None.
whose.check(None)

# %% [markdown]
# And without a check:
#
# 1. Let the registrar bring a driving licence instead of a passport: `IdentityProof("driving-licence", ...)` of
#    `sotepki.dvv`. *Expected: refused; `sotepki rule order.identity.kind` tells why.*
# 2. Move the time forward with `workspace.clock.advance(timedelta(days=365 * 4 + 300))` and call
#    `workspace.vartti.follow_time()`. *Expected: a reminder in the outbox, and another state of Aino's order near the end.*
# 3. Lock PIN1 of Aino's card with five wrong tries, and open it with the activation code:
#    `card.unblock(code, "pin1", Pin("4321"))`. *Expected: five tries again.*

# %%
stack.close()
close("tour")
print("sotepki notebook: reached the end")
