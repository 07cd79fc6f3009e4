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
# # When things go wrong
#
# On 17 and 18 April 2023, professionals all over Finland put their cards into their readers and were told that they were revoked.
# The cards were valid. Logins failed, and prescriptions could not be signed (docs/field/pki.md 6: confirmed, dvv.fi). Nobody had
# stolen anything, no key was broken; a system that everybody trusted had said something untrue.
#
# A PKI shows its character on such days. This notebook has four of them: a lost card, a key that leaked from a server, a status
# service that is silent or lies, and the day on which the key of a certificate authority is gone. We let each happen, watch what
# the systems around it say, and ask what should have been prepared. Half an hour to read, thirty seconds to run.

# %%
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

from story import attempt, be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast
from sotepki.journey.card_holder import card_in_hand
from sotepki.journey.service_provider import provider_system
from sotepki.journey.walk import Walk
from sotepki.services import fault_board, running_services

be_kind()
workspace = new_workspace("accidents", at=datetime(2026, 4, 17, 4, 0, tzinfo=UTC), card_keys=2)
cast = load_cast()
elina = workspace.valvira.professional_of(cast.person("social-worker"))
registrar = cast.person("registrar-county-1")
card = card_in_hand(workspace, registrar=registrar, applicant=elina.person.hetu)
organisation = workspace.thl.organisation(cast.organisation("social-services"))
provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
walk = Walk(workspace, print)
stack = ExitStack()
services = stack.enter_context(running_services(workspace))

# %% [markdown]
# Elina Vinhalampi, social worker, has her card; the county's social services have their server. The workspace's clock stands in
# the early morning of that April day, and moves when we move it. The services really answer on this machine: publication with
# revocation list and OCSP, and the Kanta emulator.
#
# Two small tools. One sends a document that Elina signs *now*; the other asks the three places that can be asked about a
# certificate.

# %%
import time

from cryptography import x509

from sotepki.dvv import SOTE_PERSONS
from sotepki.errors import SotepkiError
from sotepki.x509.ocsp_client import ask_status

RESPONDER = "dvvtshp2rc"
events = []


def later(minutes=10):
    """Time goes by; Kanta's one-second memory of good answers runs out as well."""
    workspace.clock.advance(timedelta(minutes=minutes))
    time.sleep(1.1)


def send(what, document=None):
    """Send a document (by default one that Elina signs now), tell Kanta's answer and remember it."""
    answer = walk.send(document or walk.by_card(organisation, elina, card), provider, services)
    rules = ", ".join(answer.rules) or "no rule broken"
    print(f"{what}: {answer.code}  ({rules})")
    events.append((workspace.clock.now(), what, answer.code))
    return answer


def asked(certificate, issuer):
    """What list, responder and DVV's own books say about a certificate."""
    workspace.authorities.publish_if_due(workspace.published)
    listed = x509.load_der_x509_crl((workspace.published / "crl" / f"{RESPONDER}.crl").read_bytes())
    entry = listed.get_revoked_certificate_by_serial_number(certificate.serial_number)
    try:
        answered = ask_status(
            f"{services.publication_url}/{RESPONDER}", certificate, issuer, at=workspace.clock.now()
        ).status.state
    except SotepkiError:
        answered = "no answer"
    key = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    books = workspace.authorities.status(key, certificate.serial_number).state
    return "revoked" if entry else "not listed", str(answered), str(books)


elinas = workspace.cards.read(card.card_number).certificates["signature"]
issuer = workspace.authorities.certificate(SOTE_PERSONS)

# %% NBVAL_CHECK_OUTPUT
send("an ordinary morning")
print("list, responder, books:", ", ".join(asked(elinas, issuer)))

# %% [markdown]
# `AA` is the answer everybody wants: accepted. `AE` means refused for a reason that the sender must mend, `AR` that the message
# could not be judged.
#
# ## 1. The night of the false revocations
#
# What went wrong in 2023 in detail is not public; only what users saw is. We make the same sight: the OCSP responder of the
# professional cards says *revoked* to every question. The list and DVV's books know nothing of it.

# %% NBVAL_CHECK_OUTPUT
from sotepki.x509.ocsp_faults import OcspFaults
from sotepki.x509.status import CertificateState

board = fault_board(workspace)
later()
board.set(RESPONDER, OcspFaults(certificate_status=CertificateState.REVOKED))
answer = send("the responder says 'revoked' of everybody")
print(answer.findings[0].message)

# %% NBVAL_CHECK_OUTPUT
listed, answered, books = asked(elinas, issuer)
table(("Asked", "Says"), [("revocation list", listed), ("OCSP responder", answered), ("DVV's books", books)])

# %% [markdown]
# The three disagree, and that is the only clue a relying party has. Look closer at the answer: a true revocation has a moment
# and usually a reason, and the moment does not change. Ask twice:


# %% NBVAL_CHECK_OUTPUT
def revoked_at():
    """The moment of revocation, as the responder tells it."""
    return ask_status(f"{services.publication_url}/{RESPONDER}", elinas, issuer, at=workspace.clock.now()).status


first = revoked_at()
later()
second = revoked_at()
print("reason given:", first.reason)
print("the moment of revocation moved between two questions:", first.revoked_at != second.revoked_at)

# %% [markdown]
# (That the moment moves is how our emulation lies; how the real system lied is unknown.)
#
# What should a system do? **Not** ignore revocation: an attacker who can make a responder lie can also make it silent, and a
# system that shrugs at both has no revocation at all. What helps is to tell the person the truth in a sentence, to notice that
# *everybody* is refused at once, and to have decided beforehand who may switch to another source, the list, and for how long.
#
# ## 2. Silence
#
# The responder is taken off the net. Now nobody lies, but nobody answers.

# %% NBVAL_CHECK_OUTPUT
later()
board.set(RESPONDER, OcspFaults(http_status=503))
silent = send("the responder is down")
print("list, responder, books:", ", ".join(asked(elinas, issuer)))

# %% [markdown]
# Not `AE` but `AR`: Kanta does not say that the document is wrong; it says that it could not find out. A sender keeps such a
# document and sends it again. A sender who shows "your signature is invalid" makes a physician sign everything twice.
#
# The emulator can be told to accept with a warning instead (`when_status_unavailable`). Which of the two Kanta does is unknown;
# try both against your own system. And then it is over:

# %% NBVAL_CHECK_OUTPUT
later()
board.clear()
_ = send("the responder is itself again")

# %% [markdown]
# Nothing had to be undone: no card was exchanged, no certificate issued. A false revocation leaves no trace in the PKI, which is
# why it should be found in *your* logs. A good log line has the serial number, who was asked, what was answered, and the
# `thisUpdate` of the answer.
#
# ## 3. A card is lost
#
# Now a true one. Elina's card is gone; she calls the revocation service (sulkupalvelu), which closes it. A document that she
# signed *before* waits in the county's queue.

# %% NBVAL_CHECK_OUTPUT
waiting = walk.by_card(organisation, elina, card)
later()
closed = workspace.vartti.close_card(card.card_number, "lost", elina.person.hetu)
workspace.authorities.publish(workspace.published)
print(f"the card is {closed.state}; list, responder, books:", ", ".join(asked(elinas, issuer)))
later()
send("signed before the loss, sent after", waiting)
_ = send("signed after the loss")

# %% [markdown]
# The first is accepted, with a note that the certificate was revoked later; the second is refused. The moment of the signature
# counts, and only a trustworthy timestamp can say when that was. The signer's own clock is a weak witness: whoever has card and
# PIN2 can write yesterday's date. Kanta sees at least when the document *arrived*.
#
# The card turns up under a sofa. Too late, and rightly so:

# %% NBVAL_CHECK_OUTPUT
attempt(
    "Revoke it again, or back",
    lambda: workspace.authorities.revoke(elinas, reason=x509.ReasonFlags.key_compromise, actor="dvv"),
)
found = workspace.vartti.report_found(card.card_number, elina.person.hetu)
print("after it was found:", found.state)

# %% [markdown]
# ## 4. A key leaks from a server
#
# The technician has put a backup of the server on a shared disk; in it lies the key of the system signature certificate
# (järjestelmäallekirjoitusvarmenne). It does not matter whether somebody took it. The provider asks DVV to revoke, with the
# serial number and the reason *private key disclosed or suspected*.

# %% NBVAL_CHECK_OUTPUT
queued = walk.by_system(provider)
later()
leaked = provider.system_signature
workspace.service_certificates.request_revocation(
    leaked.application,
    serial=leaked.certificate.serial_number,
    reason="key-compromise",
    user=cast.person("technical-contact"),
)
later()
send("the system signed before, sent after", queued)
_ = send("signed with the leaked key", walk.by_system(provider))

# %% [markdown]
# There is no card to block and no PIN to change; the only cure is a new key. The county makes one, applies, and is back:

# %% NBVAL_CHECK_OUTPUT
later()
renewed = provider_system(
    workspace,
    organisation,
    user=cast.person("technical-contact"),
    host="kanta2",
    directory=workspace.directory / "second",
)
print("another key:", renewed.system_signature.certificate.public_key() != leaked.certificate.public_key())
provider = renewed
_ = send("signed with the new key", walk.by_system(provider))

# %% [markdown]
# DVV revokes within 24 hours of a request. Those hours belong to the provider: stop the system from signing at once, and go
# through what was signed since the leak may have happened, because Kanta accepted all of it.
#
# ## 5. The day the authority falls
#
# The worst day. The key of the issuing CA for professional cards is disclosed. Whoever has it can make a card for anybody. The
# root revokes the CA's certificate, reason `cACompromise`. First a colleague of Elina's gets a card and signs, to have something
# at stake.

# %% NBVAL_CHECK_OUTPUT
colleague = workspace.valvira.professional_of(cast.person("sosionomi"))
other_card = card_in_hand(workspace, registrar=registrar, applicant=colleague.person.hetu)
good = walk.by_card(organisation, colleague, other_card)
later()
send("a colleague, before the fall", good)
waiting = walk.by_card(organisation, colleague, other_card)

workspace.authorities.revoke(issuer, reason=x509.ReasonFlags.ca_compromise, actor="dvv")
workspace.authorities.publish(workspace.published)
later()
send("the same card after the CA fell", walk.by_card(organisation, colleague, other_card))
_ = send("signed before the fall, sent after", waiting)

# %% [markdown]
# Even what was signed before the fall is refused once it comes after it: whoever holds the authority's key can make a card for
# anybody and write any date. Only what Kanta had *received* before stays beyond doubt.
#
# Nobody's card was closed, and every card is worthless. How many certificates hang on that one key? In this workspace few; in
# the country, all professionals':

# %% NBVAL_CHECK_OUTPUT
for authority in ("sote-persons", "sote-services"):
    print(f"{authority}: {len(workspace.authorities.issued(authority_id=authority))} certificates issued here")

# %% [markdown]
# With 600,000 professionals and 60 registrars at work at one time (notebook 10's assumptions), giving everybody a new card takes
# this many working days of seven hours, at twenty minutes each:

# %% NBVAL_CHECK_OUTPUT
from simulation import load_inputs

inputs = load_inputs()
days = inputs["professionals"] * inputs["desk_minutes"] / 60 / inputs["desks"] / 7
print(f"{days:.0f} working days")

# %% [markdown]
# Which is why the keys of authorities lie in hardware under two persons' eyes, why there is a second tree beside the first, and
# why an architect should know today which systems could change the tree in a week.
#
# ## 6. The chronicle
#
# The day once more, drawn from what Kanta answered.

# %%
from accident_pictures import chronicle

chronicle(events)

# %% NBVAL_CHECK_OUTPUT
from sotepki.records import first_break, newest_entries

with workspace.records.look() as session:
    print("the journal's chain is unbroken:", first_break(session) is None)
    revoked = [entry for entry in newest_entries(session, 2000) if "revoked" in entry.action]
print("entries about revocations:", len(revoked))

# %% [markdown]
# Four: the two certificates of Elina's card, that of the system, that of the authority. The false revocations are not in the
# journal: nothing was revoked that night. Whoever investigates an incident begins with such
# a comparison, of what services *said* and what the books *say*.
#
# ## What was shown

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "doc.certificate.revoked",
    "doc.certificate.revoked-later",
    "doc.certificate.status-unknown",
    "doc.certificate.ca-revoked",
    "kanta.document.status-unavailable",
    "revocation.final",
)

# %% [markdown]
# | Accident | Who must act first | What to have ready |
# |---|---|---|
# | false or missing status | whoever operates the relying system | a message in plain words; a rule for another source; a queue |
# | lost card | the holder, by telephone at any hour | the number of the revocation service on the wall |
# | leaked server key | the provider | a way to stop signing; where the key is copied to |
# | CA compromised | DVV | trust anchors that can be changed without a release |
#
# ## Exercises
#
# The CA of the story has fallen, so these have a workspace of their own, `practice`; what the hints call `workspace` is that
# one. Each is checked; `hint()` helps, and solutions stand in [solutions](solutions.ipynb).

# %%
from sotepki.training import task

practice = new_workspace("bad-days", card_keys=6)

# %%
leaked = task("leaked-key", practice)
leaked

# %%
# Your turn: have revoked what has to be revoked.
leaked.check()

# %%
fall = task("people-after-the-fall", practice)
fall

# %%
# Your turn: count the people, and hand in the number.
fall.check(None)

# %%
stale = task("answers-of-yesterday", practice)
stale

# %%
# Your turn: set the fault on the board.
stale.check()

# %% [markdown]
# And without a check:
#
# 1. Let the responder be slow instead of silent: `OcspFaults(delay_seconds=20)`. *Expected: the sender waits; see whether your own
#    system's timeout is shorter than Kanta's.*
# 2. Sign an answer with a stranger's key: `OcspFaults(responder=ResponderFault.STRANGER)`. *Expected: refused like silence; a lie by
#    somebody without authority is no lie at all.*
# 3. Revoke the *root* as the CA was revoked in section 5. Who could sign that list, and who would believe it?
#    *Expected: a refusal or a list that proves nothing; a root is removed from trust stores, not revoked.*
# 4. In your own system: find the log line of one OCSP answer. *Expected: serial number, address, answer, thisUpdate.*

# %%
stack.close()
close("accidents")
close("bad-days")
print("sotepki notebook: reached the end")
