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
# # The pharmacy and the prescription
#
# On a Monday morning Testi-Pekka Hiidenkivi has a sore throat. By noon he has taken the first tablet. In between, two
# people and a computer have signed something, each with another key, and the Prescription Centre (Reseptikeskus) has
# believed each of them for another reason.
#
# This notebook follows the prescription (sähköinen lääkemääräys) from Aino Hallavuo, physician, to Sampo Kuuselmo's
# counter in Koivuniemen apteekki. We ask at every step: who signs this, with which certificate, and what would the
# Centre say if somebody else did? Forty minutes to read, half a minute to run.
#
# Much about prescriptions is known only from a specimen of 2015 and from what people in the field remember. Where
# that is so, the text says it, and the tables carry the grade. The story goes forward, cell by cell; the cell with
# `new_workspace` begins it anew.

# %%
from pictures import Actor, Deed, actors

AROUND = (
    Actor("Aino", "physician, signs by card", 0, 2),
    Actor("Testi-Pekka", "has a sore throat", 1.95, 2),
    Actor("Sampo", "pharmacist, signs by card", 3.9, 2),
    Actor("The county's system", "sends what Aino signed", 0, 1),
    Actor("The pharmacy's system", "sends, and signs too", 3.9, 1),
    Actor("Prescription Centre", "who signed, and with what?", 1.95, 0),
)
DEEDS = (
    Deed("Aino", "The county's system", "prescription"),
    Deed("Testi-Pekka", "Sampo", "wish"),
    Deed("Sampo", "The pharmacy's system", "dispensing"),
    Deed("The county's system", "Prescription Centre", "mutual TLS"),
    Deed("The pharmacy's system", "Prescription Centre", "mutual TLS"),
)
actors(AROUND, DEEDS)

# %%
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from story import attempt, be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast
from sotepki.journey.card_holder import card_in_hand
from sotepki.journey.service_provider import provider_system
from sotepki.services import running_services

be_kind()
workspace = new_workspace("pharmacy", at=datetime(2026, 9, 14, 5, 0, tzinfo=UTC), card_keys=5)
cast = load_cast()
registrar = cast.person("registrar-county-1")
PARTS = ("physician", "pharmacist", "nurse", "medical-student", "restricted-physician")
people = {part: workspace.valvira.professional_of(cast.person(part)) for part in PARTS}
cards = {}
for part in PARTS:
    issued = card_in_hand(workspace, registrar=registrar, applicant=cast.person(part))
    cards[part] = issued.card_number

# %% [markdown]
# Five people have fetched their professional cards (ammattikortti). The county and the pharmacy each run a system
# with a server certificate; the pharmacy's has a system signature certificate (järjestelmäallekirjoitusvarmenne) as
# well. The services answer on this machine, and the clock moves only when we move it.

# %%
county = workspace.thl.organisation(cast.organisation("county"))
pharmacy = workspace.thl.organisation(cast.organisation("pharmacy"))
technician = cast.person("technical-contact")
county_system = provider_system(workspace, county, user=technician)
pharmacy_system = provider_system(workspace, pharmacy, user=technician)
stack = ExitStack()
services = stack.enter_context(running_services(workspace))

# %% NBVAL_CHECK_OUTPUT
for part, professional in people.items():
    titles = ", ".join(right.title_fi for right in professional.rights)
    print(f"{professional.person.first_name} {professional.person.surname} ({part}): {titles}")

# %% [markdown]
# ## 1. Five documents, and who signs each
#
# The Prescription Centre knows five kinds of documents. What distinguishes them is not the medicine but who answers
# for them, and so the signature is another one each time.

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import families

prescriptions = families()["prescription"]
kinds = list(prescriptions.kinds.values())
table(
    ("Document", "Code", "Author's role", "Signed by", "Needs the prescriber's identifier", "Known"),
    [
        (
            f"`{kind.id}`",
            kind.code,
            kind.role or "",
            " or ".join(kind.signers),
            "yes" if kind.prescriber else "no",
            kind.grade,
        )
        for kind in kinds
    ],
)

# %%
from prescription_pictures import versions, who_signs

SIGNERS = {"professional": "a professional's card", "system": "the provider's system"}
who_signs({kind.id: [str(one) for one in kind.signers] for kind in kinds}, SIGNERS)

# %% [markdown]
# The roles are LAL, who started the medication; KOR, who corrected; MIT, who cancelled; LTE, who dispensed. The roles
# and code 1 were seen in Kela's own library and specimen; the other codes are our plain assumption, and *who signs
# what* is what the field remembers (docs/field/kanta.md 9). Nobody is failed on it.
#
# Behind each dark square stands a certificate. A person's card holds an authentication certificate for logging in and
# a signature certificate, whose key does nothing but sign. A provider's system has a server certificate for the
# connection and, apart from it, one for its signature.

# %% NBVAL_CHECK_OUTPUT
from cryptography import x509
from cryptography.x509 import NameOID

from sotepki.documents import SignatureKind


def usages(certificate):
    """The key usages that a certificate allows, as RFC 5280 names them."""
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = {"digital_signature": "digitalSignature", "content_commitment": "nonRepudiation",
             "key_encipherment": "keyEncipherment"}  # fmt: skip
    return ", ".join(text for name, text in names.items() if getattr(usage, name))


def value(certificate, oid):
    """One value of a certificate's subject, or a dash."""
    found = certificate.subject.get_attributes_for_oid(oid)
    return found[0].value if found else "-"


aino, sampo = people["physician"], people["pharmacist"]
on_card = workspace.cards.read(cards["physician"]).certificates
on_sampos = workspace.cards.read(cards["pharmacist"]).certificates
shown = {
    "Aino's card, authentication": on_card["authentication"],
    "Aino's card, signature": on_card["signature"],
    "Sampo's card, signature": on_sampos["signature"],
    "the pharmacy's server": pharmacy_system.server.certificate,
    "the pharmacy's system signature": pharmacy_system.system_signature.certificate,
}
table(
    ("Certificate", "Key usage", "serialNumber", "pseudonym"),
    [
        (name, usages(one), value(one, NameOID.SERIAL_NUMBER), value(one, NameOID.PSEUDONYM))
        for name, one in shown.items()
    ],
)

# %% [markdown]
# `serialNumber` says who: a registration number of eleven digits for a person, an OID for an organisation.
# `pseudonym` holds the prescriber's identifier (yksilöintitunnus, the former SV number). Aino has one, Sampo has
# none: a pharmacist does not prescribe.
#
# ## 2. Morning: Aino prescribes
#
# Small tools for the rest of the day: one writes a document, two sign it, by card and by system, and one sends it in
# a message frame (siirtokehys) over mutual TLS and tells what the Centre answered.

# %%
from sending_story import PostRoom

from sotepki.documents import build_prescription, sign_as_professional, sign_as_system
from sotepki.identifiers import Oid
from sotepki.journey.card_holder import PIN1, PIN2, passport

patient = workspace.population.person(cast.person("client-adult"))
room = PostRoom(workspace, services, minutes=10)


def write(kind, organisation, part=None, **more):
    """An unsigned document of the Prescription Centre; its author is whoever plays a part."""
    return build_prescription(
        client=patient,
        organisation=organisation,
        author=people.get(part),
        kind=kind,
        created=workspace.clock.now(),
        document_oid=room.new_oid(organisation),
        **more,
    )


def by_card(part, document, number=""):
    """Signed with a card, by default the person's own: PIN2 is given for this one signature."""
    with workspace.cards.insert(number or cards[part]) as card:
        card.verify_pin2(PIN2)
        return sign_as_professional(
            document,
            key=card.signature_key,
            certificate=card.certificate("signature"),
            professional=people[part],
            at=workspace.clock.now(),
        )


def by_system(document, system):
    """Signed by a provider's system; no person is asked."""
    identity = system.system_signature
    return sign_as_system(
        document,
        key=identity.key(),
        certificate=identity.certificate,
        at=workspace.clock.now(),
    )


def send(what, document, system, sender=None):
    """Send a document from a system, by default in its own organisation's name."""
    message = room.framed(document, sender or system.organisation)
    return room.send(what, message, system.server)


# %% NBVAL_CHECK_OUTPUT
first = by_card("physician", write("prescription", county, "physician"))
archived = send("the prescription", first, county_system)

# %% [markdown]
# `AA`: accepted and archived. What did Aino put her name to? The signature covers the body and the time of signing,
# and **not the header**. Custodian, patient and author stand in the header, and so the Centre compares them with what
# is signed and with the certificate.

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import VerificationContext, verify_document
from sotepki.dvv import SOTE_PERSONS

context = VerificationContext(
    trust=[workspace.authorities.root],
    intermediates=[workspace.authorities.certificate(SOTE_PERSONS)],
    at=workspace.clock.now(),
    revocation=False,
    rights=workspace.valvira,
)
report = verify_document(first, context)
print("verdict:", report.verdict)
print("keeper: ", report.custodian, "(Kela, whoever sends)")
for path in report.signatures[0].covered:
    print("signed: ", path.rpartition("/")[2])

# %% [markdown]
# One PIN2, one signature. Aino has two more prescriptions waiting and would like to type her PIN once for all. The
# chip says no:

# %% NBVAL_CHECK_OUTPUT
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

with workspace.cards.insert(cards["physician"]) as card:
    how = (padding.PKCS1v15(), hashes.SHA256())
    card.verify_pin2(PIN2)
    card.signature_key.sign(b"the first", *how)
    attempt("A second signature", lambda: card.signature_key.sign(b"the second", *how))

# %% [markdown]
# Signing several at one go is called *moniallekirjoitus* in the field. Kelain does not offer it (docs/field/kanta.md
# 3.4: confirmed); in what form others do is not public.
#
# ## 3. The wrong dose: correction and cancellation
#
# Ten minutes later Aino sees it: three times a day should be two. Her system's first makers did the obvious: change
# the text, keep the rest.

# %% NBVAL_CHECK_OUTPUT
edited = first.replace(b"kolme kertaa", b"kaksi kertaa")
_ = send("the dose changed in the old document", edited, county_system)

# %% [markdown]
# A signature is over bytes, not over intentions. A correction (korjaus) is a new document with an id of its own: same
# set, next version, related to the one that it replaces, **old signature gone**, and signed anew. The first
# prescriber stays listed before the corrector.

# %% NBVAL_CHECK_OUTPUT
from dataclasses import replace

from sotepki.documents import medicines

known = medicines()["amoxicillin"]
twice_a_day = replace(known, dosage=known.dosage.replace("kolme", "kaksi"))
set_oid = Oid.parse(archived.document_id)


def following(kind, before, version, **more):
    """The next version of Aino's prescription, written and signed by her."""
    relation = {"set_oid": set_oid, "version": version, "replaces": Oid.parse(before)}
    document = write(kind, county, "physician", first_author=aino, **relation, **more)
    return by_card("physician", document)


correction = following("prescription-correction", archived.document_id, 2, medicine=twice_a_day)
corrected = send("the correction", correction, county_system)

# %% [markdown]
# Meanwhile a colleague's screen still shows the first version. She cancels *that*. Two branches of one prescription
# would be one too many, so the Centre refuses; it has to be the newest version that is cancelled (mitätöinti).

# %% NBVAL_CHECK_OUTPUT
too_late = following("prescription-cancellation", archived.document_id, 2)
send("a cancellation of what was replaced", too_late, county_system)
right = following("prescription-cancellation", corrected.document_id, 3, medicine=twice_a_day)
cancelled = send("a cancellation of the newest", right, county_system)

# %% [markdown]
# Read code and weight apart. The **code** is what happened: `AE` refuses. The **weight** before the message says how
# much the evidence would bear against a vendor. That a document is replaced only once is our reasoning, not a public
# rule, so nobody may be failed on it in the conformance suite; our Centre keeps its own books straight all the same,
# and refuses.
#
# Nothing was deleted. The three versions rest beside each other, and whoever reads sees which one counts. The picture
# is drawn from what the archive says of the set:

# %%
described = services.kanta.describe(cancelled.document_id, county_system.server.certificate)
NAMES = {1: ("prescription", "LAL"), 2: ("correction", "KOR"), 3: ("cancellation", "MIT")}
versions([(*NAMES[one["version"]], f"version {one['version']}") for one in described["versions"]])

# %% [markdown]
# Testi-Pekka still has a sore throat, so Aino writes a fresh one with the right dose. This is the one he takes to the
# pharmacy.

# %% NBVAL_CHECK_OUTPUT
fresh = by_card("physician", write("prescription", county, "physician", medicine=twice_a_day))
_ = send("a fresh prescription", fresh, county_system)

# %% [markdown]
# ## 4. At the counter: what a pharmacy sends
#
# Sampo fetches the box and advises. The dispensing record (lääketoimitus) goes to the Centre from **the pharmacy's
# own server**, signed by Sampo's card or by the pharmacy's system; both forms are remembered in the field, and both
# are accepted here.

# %% NBVAL_CHECK_OUTPUT
signed = by_card("pharmacist", write("dispensing", pharmacy, "pharmacist"))
send("dispensed, signed by Sampo", signed, pharmacy_system)
signed = by_system(write("dispensing", pharmacy), pharmacy_system)
_ = send("dispensed, signed by the system", signed, pharmacy_system)

# %% [markdown]
# A renewal request (uusimispyyntö) is a patient's wish, passed on by the pharmacy. Nobody answers for a medicine with
# it, so no person signs; the system says where it came from. Sampo's card would promise too much:

# %% NBVAL_CHECK_OUTPUT
wish = by_system(write("renewal-request", pharmacy), pharmacy_system)
send("renewal request", wish, pharmacy_system)
attempt(
    "A renewal request signed by card",
    lambda: by_card("pharmacist", write("renewal-request", pharmacy, "pharmacist")),
)

# %% [markdown]
# And the other way about: the box is there, the patient too, only the prescription is missing. May the pharmacy's
# system write one? Signing refuses. A system that does not ask before it signs gets its answer from the Centre:

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import Signer, sign_document

written = write("prescription", pharmacy, "pharmacist")
attempt("A prescription signed by the system", lambda: by_system(written, pharmacy_system))
identity = pharmacy_system.system_signature
signer = Signer(SignatureKind.SYSTEM, identity.key(), identity.certificate)
unasked = sign_document(written, signer, workspace.clock.now())
_ = send("signed by the system nevertheless", unasked, pharmacy_system)

# %% [markdown]
# `AA`, with a warning. That a prescription is signed by a person is remembered in the field and not read in any
# public text (docs/field/kanta.md 9: recalled), so our Centre warns and lets the document pass. The real one may well
# refuse. **A warning is not a permission**; a system that relies on it will learn the difference in joint testing.
#
# Last, the connection itself. The county's server offers to pass on what the pharmacy wrote:

# %% NBVAL_CHECK_OUTPUT
passed_on = by_system(write("dispensing", pharmacy), pharmacy_system)
_ = send("the pharmacy's, from the county's server", passed_on, county_system, sender=pharmacy)

# %% [markdown]
# The name in the frame and the certificate of the connection must agree. Whoever may send for others is a Kanta
# intermediary (Kanta-välittäjä) or has an access point registered for it.
#
# *A limit of this emulation:* what a client sent it may read again, and nobody else may. The real Centre of course
# gives a prescription to any pharmacy; how it is asked is not public, so we built nothing.
#
# ## 5. Who cannot prescribe, and who notices
#
# Lumi Tuiskuoja is a nurse. Her card is in order, her right is in force, she works with medicines all day. She has no
# prescriber's identifier.

# %% NBVAL_CHECK_OUTPUT
attempt("Lumi signs a prescription", lambda: by_card("nurse", write("prescription", county, "nurse")))

# %% [markdown]
# *Cards without it cannot sign prescriptions* is confirmed (dvv.fi); its place in the certificate is known at second
# hand, and by what was seen, not from a rule. So again our Centre only warns of a document that a careless system
# signed. It can be told to be strict, to see what one's system makes of a refusal:


# %% NBVAL_CHECK_OUTPUT
def carelessly(part):
    """A prescription signed by a system that asks nothing before it signs."""
    written, kind = write("prescription", county, part), SignatureKind.PROFESSIONAL
    with workspace.cards.insert(cards[part]) as card:
        card.verify_pin2(PIN2)
        signer = Signer(kind, card.signature_key, card.certificate("signature"), people[part])
        return sign_document(written, signer, workspace.clock.now())


careless = carelessly("nurse")
send("Lumi's prescription, as it comes", careless, county_system)

usual = services.kanta.settings
refuses = usual.refuses_by_choice | {"doc.prescriber-id"}
strict = replace(services.kanta, settings=replace(usual, refuses_by_choice=refuses))
again = strict.archive(room.framed(careless, county), county_system.server.certificate)
print("the same at a strict Centre:", again.code)

# %% [markdown]
# Kalervo Jääskeläpuro is a physician of many years, and Valvira has restricted his right (ammatinharjoittamisoikeuden
# rajoitus): no prescribing, and work under supervision. His card says nothing of it. A certificate tells who somebody
# *is*; what they may do this week stands in a register.

# %% NBVAL_CHECK_OUTPUT
kalervo = people["restricted-physician"]
for right in kalervo.rights:
    print(right.title_fi, "- restricted:", ", ".join(right.restrictions))
hospital = workspace.provider(cast.organisation("county"))
attempt(
    "Prescribing at the county",
    lambda: hospital.grant_access(kalervo.registration_number, "prescribing", actor="administrator"),
)
_ = send("Kalervo signs nevertheless", carelessly("restricted-physician"), county_system)

# %% [markdown]
# `AA`, and without a word. Whether the real Centre looks at restrictions when it archives is not public; Kelain
# checks rights at login (docs/field/kanta.md 9: confirmed). What is confirmed is the duty: **the employer gives
# access by task and right, and checks that rights are in force** (docs/field/registration.md 1). The line that
# stopped Kalervo was the county's own.
#
# ## 6. Wednesday: the forgotten card
#
# Aino's card lies at home on the kitchen table, forty kilometres away. The registration point takes a blank from the
# locked cabinet, checks her passport and her right, and makes a spare card (varakortti) while she waits. She types
# her own PINs; no letter is needed.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=2))
blank = workspace.spare_cards.receive_blanks(1, registrar=registrar)[0]


def spare_card(days):
    """A spare card for Aino, personalised at the desk."""
    return workspace.spare_cards.issue(
        blank.number,
        registrar=registrar,
        holder=aino.person.hetu,
        identity=passport(workspace),
        days=days,
    )


attempt("A spare card for a year", lambda: spare_card(365))
spare = spare_card(3)
with workspace.cards.insert(spare.number) as card:
    card.activate(spare.activation_code, PIN1, PIN2)
    temporary = card.certificate("signature")
print("issuer:", temporary.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
for what, oid in (("number", NameOID.SERIAL_NUMBER), ("identifier", NameOID.PSEUDONYM)):
    same = value(temporary, oid) == value(on_card["signature"], oid)
    print(f"the {what} is that of her own card:", same)

# %% [markdown]
# Another authority issues these certificates, the one for temporary certificates (tilapäisvarmenne), with policy
# numbers of its own. A system whose trust list was typed by hand from Aino's own card will fail today, and only for
# people who forgot their card. This is worth a test case.

# %%
from calendar_pictures import spans

from sotepki.clock import finnish_day


def days(certificate):
    """First and last day of a certificate, in Finland."""
    return finnish_day(certificate.not_valid_before_utc), finnish_day(certificate.not_valid_after_utc)


on_ennis = workspace.cards.read(cards["medical-student"]).certificates
spans(
    {
        "spare card": days(temporary),
        "Enni's card": days(on_ennis["signature"]),
        "Aino's own card": days(on_card["signature"]),
    },
    today=finnish_day(workspace.clock.now()),
)

# %% NBVAL_CHECK_OUTPUT
waiting = by_card("physician", write("prescription", county, "physician"), spare.number)
now = by_card("physician", write("prescription", county, "physician"), spare.number)
_ = send("signed with the spare card", now, county_system)

# %% [markdown]
# On Thursday Aino brings it back. The point revokes its certificates, removes the keys, and lays the blank into the
# cabinet for the next person. One prescription, signed on Wednesday, was still in the county's queue:

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=1))
returned = workspace.spare_cards.take_back(spare.number, registrar=registrar)
print("the spare card is", returned.state)
_ = send("signed before the return, sent after", waiting, county_system)

# %% [markdown]
# Accepted: it was signed while the certificate was good. The note is there because the Centre sees more than one
# moment: that of the signature and that of the arrival.
#
# ## 7. A student's last day
#
# Enni Hietavirta studies medicine. Valvira has given her a right for a limited time (rajattu oikeus), and with it a
# prescriber's identifier. Her prescription is as good as Aino's, until the day that is written in the register; her
# card ends on the same day (see the picture above).

# %% NBVAL_CHECK_OUTPUT
enni = people["medical-student"]
hers = by_card("medical-student", write("prescription", county, "medical-student"))
send("Enni prescribes", hers, county_system)
last_day = enni.rights[0].valid_to
print("days left:", (last_day - finnish_day(workspace.clock.now())).days)

# %% [markdown]
# The clock moves to the day after.

# %% NBVAL_CHECK_OUTPUT
days_left = last_day - finnish_day(workspace.clock.now())
workspace.clock.advance(days_left + timedelta(days=1))
workspace.catch_up()
late = by_card("medical-student", write("prescription", county, "medical-student"))
_ = send("Enni prescribes a day too late", late, county_system)

# %% [markdown]
# Two reasons at once: the certificate is over, and so is the right. Had Valvira ended the right early, only the
# second would stand there, and a system that checks certificates alone would have seen nothing. Notebook 05 shows the
# sweep that finds it.
#
# ## 8. What the Centre saw
#
# All of it, drawn from the answers:

# %%
from accident_pictures import chronicle

chronicle(room.events, form="%d.%m. %H:%M", meanings={"AR": "not processed"})

# %% [markdown]
# And from the Centre's own request log, which knows senders and rules, and no person:

# %% NBVAL_CHECK_OUTPUT
from collections import Counter

from sotepki.kela import RequestKind

lines = services.kanta.requests(100, kind=RequestKind.ARCHIVE)
names = {str(county.oid): county.name, str(pharmacy.oid): pharmacy.name}
counted = Counter((names[line.sender], line.outcome) for line in lines)
table(("Sender", "Answer", "Messages"), [(*key, count) for key, count in sorted(counted.items())])

# %% NBVAL_CHECK_OUTPUT
from sotepki.records import first_break

with workspace.records.look() as session:
    print("the journal's chain is unbroken:", first_break(session) is None)
print("identity codes in the log:", sum(str(patient.hetu) in str(line.as_dict()) for line in lines))

# %% [markdown]
# ## What was shown

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "doc.digest.body",
    "kanta.version.replaced",
    "doc.signer",
    "doc.prescriber-id",
    "kanta.client.organisation-sender",
    "access.restriction",
    "spare.days",
    "doc.certificate.revoked-later",
    "doc.right",
)

# %% [markdown]
# | Who | Signs | With |
# |---|---|---|
# | prescriber | prescription, correction, cancellation | signature certificate of the card, with the prescriber's identifier |
# | pharmacist | dispensing | signature certificate of the card |
# | pharmacy's system | dispensing, renewal request | system signature certificate |
# | nobody | the connection is not a signature | server certificate, in mutual TLS |
#
# ## Exercises
#
# Each is checked: run the cell, do what it asks in the cell below it, then run the check. `hint()` helps, `explain()`
# tells afterwards what was to be learnt.

# %%
from sotepki.training import task

prescribers = task("who-prescribes", workspace)
prescribers

# %%
# Your turn: answer = ["...", "..."]
answer = []

# %%
prescribers.check(answer)

# %%
forgotten = task("forgotten-card", workspace)
forgotten

# %%
# Your turn: receive blanks, issue one.

# %%
forgotten.check()

# %%
restricted = task("restricted-farmaseutti", workspace)
restricted

# %%
# Your turn: make the pharmacy's books true, and let it open.

# %%
restricted.check()

# %% [markdown]
# And two without a check, for your own system:
#
# 1. Sign a prescription with a spare card of your test environment. *Expected: your system finds the other authority by itself,
#    without a release.*
# 2. Cancel a prescription from a screen that was opened before a colleague corrected it. *Expected: your system notices before
#    the Centre does.*

# %%
stack.close()
close("pharmacy")
print("sotepki notebook: reached the end")
