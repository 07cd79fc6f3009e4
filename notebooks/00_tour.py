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
# This tour walks the whole way once, on your own machine, with people who do not exist. It takes a quarter of an hour to
# read and half a minute to run. Nothing here is real but the cryptography: every name says TEST, every identity code is
# of the 900-series, and the keys were made a moment ago.

# %%
from pictures import actors, validity
from story import attempt, be_kind, close, new_workspace

be_kind()
actors()

# %% [markdown]
# The authorities stand above, the people of a care provider in the middle, and below them Kanta, which trusts nobody
# without a certificate. We begin with a new workspace: registers with invented people and organisations, and a certificate
# authority whose keys lie in SoftHSM.

# %%
from sotepki.journey import load_cast

workspace = new_workspace("tour", card_keys=2)
cast = load_cast()

# %% NBVAL_CHECK_OUTPUT
for what, count in workspace.counts().items():
    print(f"{count:>4} {what}")

# %% [markdown]
# ## 1. Valvira: the right to practise (ammattioikeus)
#
# Somebody works in social services and has no professional right. The registrar tries to order a professional card
# (ammattikortti) all the same. Vartti asks Valvira's register, and says no. (`attempt` tries something, and prints the
# refusal if there is one.)

# %%
from sotepki.journey.card_holder import PIN2, activation_code, card_in_hand, passport

registrar = cast.person("registrar-county-1")
applicant = cast.person("employee-without-right")

# %% NBVAL_CHECK_OUTPUT
attempt(
    "Card order",
    lambda: workspace.vartti.order_professional_card(
        registrar=registrar, applicant=applicant, identity=passport(workspace)
    ),
)

# %% [markdown]
# Every refusal in `sotepki` looks like this: a sentence for people, and the id of the rule, under which the rule book
# has its source and how firmly it is known. Now Valvira grants the right of a social worker. The person enters Suosikki
# and gets a registration number of eleven digits (rekisteröintinumero), for life.

# %% NBVAL_CHECK_OUTPUT
professional = workspace.valvira.grant_right(applicant, "T40", actor="valvira")
right = professional.rights[0]
print(professional.registration_number)
print(f"{right.register}: {right.title_fi} / {right.title_sv}")

# %% [markdown]
# ## 2. The registrar: from a passport to a card
#
# A registrar (rekisteröijä) has passed DVV's course, works at a registration point, checks the applicant's identity, and
# orders. A registrar may order for everybody but themself.

# %% NBVAL_CHECK_OUTPUT
colleague = cast.person("registrar-county-2")
attempt(
    "Order for oneself",
    lambda: workspace.vartti.order_professional_card(
        registrar=colleague, applicant=colleague, identity=passport(workspace)
    ),
)

# %% NBVAL_CHECK_OUTPUT
order = card_in_hand(workspace, registrar=registrar, applicant=applicant)
print(f"card {order.card_number}: {order.state}")

# %% [markdown]
# The card and the code travel apart. The letter with the activation code (aktivointitunnusluku) lies in the outbox; the
# holder used it to set two PINs. The old code still opens a locked card, so it is kept in a safe place.

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

with workspace.cards.insert(order.card_number) as card:
    attempt("Signature without PIN2", lambda: card.signature_key.sign(b"hello", padding.PKCS1v15(), hashes.SHA256()))
    attempt("Wrong PIN2", lambda: card.verify_pin2(Pin("000000")))
    print("tries left:", card.tries())
    card.verify_pin2(PIN2)
    card.signature_key.sign(b"hello", padding.PKCS1v15(), hashes.SHA256())
    print("one signature made")
    attempt("A second one", lambda: card.signature_key.sign(b"hello", padding.PKCS1v15(), hashes.SHA256()))
    subject = card.certificate("signature").subject

# %% NBVAL_CHECK_OUTPUT
for attribute in subject:
    print(f"{attribute.oid._name:>14}  {attribute.value}")

# %% [markdown]
# That is the subject of the signature certificate. The registration number stands in `serialNumber`: by it, and not by
# the name, everybody else finds the person's rights.
#
# ## 4. The service provider: two certificates for a system
#
# The provider's administrator makes keys and requests with `openssl req` on their own server. DVV checks the request
# against THL's register and mails the certificates in DER and PEM. The server certificate (palvelinvarmenne) is for TLS;
# the system signature certificate signs what no person signs.

# %% NBVAL_CHECK_OUTPUT
from sotepki.journey.service_provider import provider_system

organisation = workspace.thl.organisation(cast.organisation("social-services"))
provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
print(provider.host_name)
print(sorted(path.name.partition("-")[2] for path in (workspace.directory / "outbox" / "emails").iterdir()))

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
# ## 5. Kanta: who sends, who signed, and had they the right
#
# Publication (revocation lists and OCSP) and the Kanta emulator now run on loopback. Kanta asks, in this order: who is at
# the other end of the TLS connection, does the frame belong to them, is the document intact, who signed it, is the
# certificate in force, and did the person have a right when they signed?

# %%
from contextlib import ExitStack

from sotepki.journey.walk import Walk
from sotepki.services import running_services

stack = ExitStack()
services = stack.enter_context(running_services(workspace))
walk = Walk(workspace, print)


def tell(name, answer):
    """Print Kanta's answer and the rules that it names."""
    print(f"{name}: {answer.code}")
    for rule in answer.rules:
        print(f"  {rule}")


# %% NBVAL_CHECK_OUTPUT
by_card = walk.by_card(organisation, professional, order)
tell("Signed by card", walk.send(by_card, provider, services))
by_system = walk.by_system(provider)
tell("Signed by the system", walk.send(by_system, provider, services))

# %% [markdown]
# AA means: accepted and archived. What exactly was signed? The verifier says which elements each signature covers, and
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
report = verify_document(by_card, context)
print(report.verdict)
for signature in report.signatures:
    for path in signature.covered:
        print(" ", path)

# %% [markdown]
# ## 6. Consequences
#
# One character is changed on the way. Then Valvira removes the right. Then, the right restored, the card is lost and
# closed. Kanta must say no three times, each time for its own reason.

# %% NBVAL_CHECK_OUTPUT
from sotepki.journey.walk import changed

tell("Changed on the way", walk.send(changed(walk.by_system(provider)), provider, services))

workspace.valvira.remove_right(professional.registration_number, "T40", actor="valvira", reason="tour")
tell("Right removed", walk.send(walk.by_card(organisation, professional, order), provider, services))
workspace.valvira.grant_right(professional.person, "T40", actor="valvira")

workspace.vartti.close_card(order.card_number, "lost", applicant)
tell("Card closed", walk.send(walk.by_card(organisation, professional, order), provider, services))

# %% [markdown]
# Note what did *not* happen: when the right was removed, the certificate stayed valid. No source says that it is revoked
# by itself. Who only checks certificates would have let the document through; the right must be asked for.
#
# ## 7. The journal
#
# Everything that changed anything stands in the audit journal, each entry hashed together with the one before it.

# %% NBVAL_CHECK_OUTPUT
from sotepki.records import first_break, newest_entries

with workspace.records.look() as session:
    print("broken link:", first_break(session))
    for entry in newest_entries(session, 1000):
        if entry.action in ("grant-right", "remove-right", "card-order.hand-over", "certificate-revoked"):
            print(f"{entry.office}: {entry.action}")

# %% [markdown]
# ## What was shown
#
# | Rule | Where |
# |---|---|
# | `order.right.none`, `order.not-for-oneself` | sections 1 and 2 |
# | `card.pin2.not-verified`, `card.pin.wrong` | section 3 |
# | `doc.digest.body`, `doc.right`, `doc.certificate.revoked` | section 6 |
#
# ## Exercises
#
# 1. Order a second card for the same person. Which rule stands in the way, and what is its exception?
# 2. Let the registrar bring a driving licence instead of a passport: `IdentityProof("driving-licence", ...)`.
# 3. Move the time forward with `workspace.advance_clock(365 * 4 + 300)` and call `workspace.vartti.follow_time()`. What has
#    become of the order?
# 4. Lock PIN1 with five wrong tries, and open it with the activation code: `card.unblock(code, "pin1", Pin("4321"))`.

# %%
stack.close()
close("tour")
print("sotepki notebook: reached the end")
