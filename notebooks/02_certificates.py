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
# # DVV: the authority whose word is a signature
#
# Everything in this field that is believed without being asked again is believed because of a few keys. They lie in devices that do
# not give them out, in rooms that one does not enter alone, and the roots among them sign a handful of certificates in twenty years.
# From them hang the cards of all professionals and the servers of all hospitals.
#
# This notebook goes to the Digital and Population Data Services Agency (Digi- ja väestötietovirasto, DVV) as the certification
# authority (varmentaja). We look at its trees, hold a key ceremony, read what it writes into a card and into a server's certificate,
# and then take something back, which is the hardest thing an authority does. Half an hour to read, half a minute to run.
#
# All names say TEST and all keys were made a moment ago. The names are DVV's own test names, to the letter; trust is decided by the
# key and never by a name, so nothing of this is worth anything elsewhere.

# %%
from datetime import UTC, datetime, timedelta

from certificate_pictures import nodes_of, trees, windows
from cryptography import x509
from register_pictures import ENDED, IN_FORCE, who_says_what
from story import attempt, be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast

be_kind()
workspace = new_workspace("certificates", at=datetime(2026, 9, 7, 7, 0, tzinfo=UTC), card_keys=1)
cast = load_cast()
authorities, clock = workspace.authorities, workspace.clock

# %% [markdown]
# ## 1. Two trees
#
# The hierarchy (varmennehierarkia) is two storeys high: a root (juurivarmenne), which signs authorities and nothing else, and the
# issuing authorities, which sign for people and services. There are two such trees, one of RSA keys and one of elliptic curves. The
# picture is drawn from the plan that this workspace was founded by; dashed is what is made only when it is first needed.

# %%
trees(nodes_of(authorities))

# %% [markdown]
# Why *Certs* and not *Certificates*? A common name holds 64 characters:

# %% NBVAL_CHECK_OUTPUT
for word in ("Certificates", "Certs"):
    name = f"DVV TEST Social Welfare and Healthcare Service {word} - G3R"
    print(f"{len(name)} characters: {name}")

# %% [markdown]
# Systems match on such names, so a helpful correction breaks them. `Prof.` and `Certs` are part of the name.
#
# ## 2. A key ceremony
#
# Today the authority for spare cards (varakortti) is founded. In a real house that is a **ceremony**: a script that was read by
# everybody beforehand, one person who leads, one who types, one who only watches and signs the minutes; a device that was sealed
# since it was bought; and a key that is made inside it. Nobody is alone with it, and every step can be proved later. (So it is done in
# the trade; how DVV holds its own is not public.)
#
# Here one line does it, and the audit journal is the minutes.

# %% NBVAL_CHECK_OUTPUT
import json

from sotepki.records import newest_entries

authorities.make_ready("sote-temporary", actor="ceremony")
with workspace.records.look() as session:
    minutes = [entry for entry in newest_entries(session, 1000) if entry.actor == "ceremony"]
for entry in minutes:
    details = json.loads(entry.details)
    about = details.get("profile") or ("key identifier written down" if "key_id" in details else "")
    print(f"{entry.action:<19} by or for {details.get('authority', entry.subject):<15} {about}")

# %% [markdown]
# Look at the order. The key's identifier is written down **before** the root signs anything, and the serial number is taken before it
# is used: a crash in between costs a number and never uses one twice. Now the witness asks her questions.
#
# *Does the key ever leave the device?*

# %% NBVAL_CHECK_OUTPUT
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

key = workspace.hsm("ca-sote-temporary")
attempt("Take the key out", lambda: key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

# %% [markdown]
# *Is the certificate that came out the one for the key that was written down, and did our root sign it?*

# %% NBVAL_CHECK_OUTPUT
founded = authorities.certificate("sote-temporary")
written_down = json.loads(minutes[0].details)["key_id"]
in_it = founded.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()
founded.verify_directly_issued_by(authorities.root)  # raises if not
print("signed by the root; for the key that was written down:", in_it == written_down)

# %% [markdown]
# *Is it made as such a certificate is to be made?* Two linters answer. Ours knows the Finnish profiles; pkilint knows the standards.
# Where the standard and DVV's practice disagree, the finding is left out, and the reason is told:

# %% NBVAL_CHECK_OUTPUT
from sotepki.x509.second_opinion import lint_with_pkilint

report = lint_with_pkilint(founded, own=True)
print(report.verdict, "as", report.profile_id)
for rule, reason in report.left_out:
    print(f"  left out: {rule.rpartition('.')[2]}\n            {reason}")
attempt("Found the hierarchy again", lambda: authorities.create_hierarchy(workspace.hsm.create))

# %% [markdown]
# What a workspace cannot teach is the room. Here one owner is everybody at once, and what keeps the keys from going astray is only
# that the token does not give them out. A real authority's device usually asks several people for their parts of the PIN.
#
# ## 3. What it writes for a person
#
# Elina Vinhalampi, social worker, gets her card (notebook 03 tells how). Two certificates are on it, and they bear the same name.
# This is the one for signatures: some fields, what the **profile** asks of each, and how firmly that is known. *Confirmed* was read
# in a public source or decoded from a real certificate.

# %% NBVAL_CHECK_OUTPUT
from sotepki.card import KeyUse
from sotepki.journey.card_holder import card_in_hand
from sotepki.x509.describing import describe_certificate
from sotepki.x509.profiles import find_profile

elina = workspace.valvira.professional_of(cast.person("social-worker"))
card = card_in_hand(workspace, registrar=cast.person("registrar-county-1"), applicant=elina.person.hetu)
on_card = workspace.cards.read(card.card_number).certificates
signature, login = on_card[KeyUse.SIGNATURE], on_card[KeyUse.AUTHENTICATION]
SHOWN = {"subject title": "subject.title", "subject serialNumber": "subject.serial_number", "basic-constraints": "extension.basic-constraints",
         "key-usage": "extension.key-usage", "qc-statements": "extension.qc-statements", "not after": "validity"}  # fmt: skip
values = {one.field: one.value for one in describe_certificate(signature).fields}
profile = find_profile("professional-signature-rsa").by_field
wanted = {name: profile[row] for name, row in SHOWN.items()}
rows = [(name, values[name], row.rule.replace("<", "&lt;"), row.grade) for name, row in wanted.items()]
table(("Field", "Value", "What the profile asks", "How firmly"), rows)

# %% [markdown]
# One bit separates the two. The signature certificate (allekirjoitusvarmenne) has *nonRepudiation* and nothing else, so that nobody
# can be led to sign by being asked to log in; the other (todentamis- ja salausvarmenne) logs in and decrypts, and may not sign:

# %% NBVAL_CHECK_OUTPUT
from sotepki.x509.explaining import key_usage_bits

for what, certificate in {"signature": signature, "login": login, "authority": founded}.items():
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    print(f"{what:>9}: {', '.join(key_usage_bits(usage.public_bytes()))}")

# %% [markdown]
# ### Numbers that break systems
#
# A serial number (sarjanumero) is only a number. But a card's has four octets and an authority's fifteen, and DVV has warned that
# long ones break systems that keep them in an integer of 64 bits. The long ones tell when they were made:

# %% NBVAL_CHECK_OUTPUT
for what, certificate in {"card": signature, "spare-card authority": founded}.items():
    octets = certificate.serial_number.to_bytes((certificate.serial_number.bit_length() + 7) // 8, "big")
    stamp = datetime.fromtimestamp(int.from_bytes(octets[:6], "big") / 1000, UTC) if len(octets) > 8 else None
    print(f"{what}: {len(octets)} octets{f', made at {stamp:%d.%m.%Y %H:%M} UTC' if stamp else ''}")

# %% [markdown]
# And the end of a card is the last second of a Finnish day, in UTC an hour that moves with summer time:

# %% NBVAL_CHECK_OUTPUT
from sotepki.clock import end_of_finnish_day

winter = end_of_finnish_day(datetime(2032, 1, 15, tzinfo=UTC).date())
print(f"this card ends at {signature.not_valid_after_utc:%H:%M:%S}; one in winter at {winter:%H:%M:%S}")

# %% [markdown]
# ## 4. What it writes for a system
#
# The county's social services need two certificates for their system: a server certificate (palvelinvarmenne) to show who is at the
# end of the line, and a system signature certificate (järjestelmäallekirjoitusvarmenne) for documents that no person signs.

# %% NBVAL_CHECK_OUTPUT
from sotepki.journey.service_provider import provider_system

organisation = workspace.thl.organisation(cast.organisation("social-services"))
provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
server, system = provider.server.certificate, provider.system_signature.certificate
rows = ("subject serialNumber", "subject CN", "key-usage", "extended-key-usage", "subject-alternative-name")
described = [{one.field: one.value for one in describe_certificate(one).fields} for one in (server, system)]
days = [(one.not_valid_after_utc - one.not_valid_before_utc).days + 1 for one in (server, system)]
lines = [(row, *(fields.get(row, "-") for fields in described)) for row in rows]
table(("", "server", "system signature"), [*lines, ("days", *days)])

# %% [markdown]
# The number in the system's subject is the organisation's OID, and Kanta compares it with the custodian of the document and the sender
# of the frame. In a *general* service certificate of DVV the Y-tunnus stands at the same place. Whoever reads the field must know
# which kind of certificate is in their hands.
#
# ### An authority says no
#
# It does not issue what is another's, and nothing that would outlive itself. (The key pair here is anybody's.)

# %% NBVAL_CHECK_OUTPUT
from cryptography.hazmat.primitives.asymmetric import ec


def order(authority, profile, **more):
    """Ask an authority for a certificate for a new key."""
    new = ec.generate_private_key(ec.SECP384R1()).public_key()
    return authorities.issue(authority, profile, subject={}, public_key=new, actor="trainee", holder="nobody", **more)


attempt("A server's certificate from the persons' authority", lambda: order("sote-persons", "test-server"))
late = clock.now() + timedelta(days=30 * 365)
attempt("A card for thirty years", lambda: order("sote-persons-ec", "professional-signature-ec", not_after=late))

# %% [markdown]
# ## 5. Made for what?
#
# A relying party (varmenteeseen luottava osapuoli) asks a chain three things: does it lead to *my* root, was every certificate in
# force at the moment, and is it **made for this purpose**? The third is forgotten most often. Here is every certificate of this
# notebook against every purpose:

# %%
from sotepki.x509.path import Purpose, validate_path

issuers = [authorities.certificate(name) for name in authorities.made()]
certificates = {"card: login": login, "card: signature": signature, "server": server, "system signature": system}


def fits(certificate, purpose, trust="root"):
    """What path validation says, without asking for revocations."""
    held = {"trust": [authorities.certificate(trust)], "intermediates": issuers}
    return validate_path(certificate, purpose=purpose, at=clock.now(), revocation=False, **held)


purposes = {
    name: [("yes", IN_FORCE) if fits(one, purpose).valid else ("no", ENDED) for purpose in Purpose]
    for name, one in certificates.items()
}
who_says_what(purposes, [str(purpose).replace("-", "\n") for purpose in Purpose])

# %% NBVAL_CHECK_OUTPUT
for report in (fits(login, Purpose.CARD_SIGNATURE), fits(signature, Purpose.CARD_SIGNATURE, trust="root-ec")):
    print(report.verdict, "-", report.findings[0].message, f"[{report.findings[0].rule}]")

# %% [markdown]
# Two things in the picture surprise. A system signature certificate passes for TLS: it has no extended usage, and by the standard that
# forbids nothing. And a server's passes for the login of a person. So usage alone does not tell a person from a machine; compare the
# issuer too. The last line of the output is a real day's trouble: a system that was given the roots of one tree meets the first card
# of the other.
#
# ## 6. Wrong in a hundred ways
#
# A certificate can be wrong so that everybody sees it, and so that hardly anybody does. The catalogue of defects has more than a
# hundred, each with what a linter (the certificate alone, against its profile), a path validation (RFC 5280, with revocation) and
# the `openssl` program say of it. Here are six, built now with throw-away keys and shown to our linter.

# %%
from sotepki.x509.defects import DefectWorld, find_defect, fresh_keys
from sotepki.x509.lint import lint_certificate

world = DefectWorld(clock.now(), fresh_keys())
SIX = (
    "validity-expired", "key-usage-signature-combined", "organisation-oid-is-business-id",
    "title-without-code", "policy-production-arc", "issuer-impostor",
)  # fmt: skip


def judged(name):
    """A row of the picture: what our linter says now, and what the catalogue has of the path and of openssl."""
    defect = find_defect(name)
    said = lint_certificate(defect.build(world).certificate, own=True).verdict
    openssl = defect.openssl.verdict if defect.openssl else defect.path.verdict
    return [(str(one), IN_FORCE if one == "valid" else ENDED) for one in (said, defect.path.verdict, openssl)]


who_says_what({find_defect(name).title.rstrip("."): judged(name) for name in SIX}, ["linter", "path", "openssl"])

# %% [markdown]
# Three of the six are *valid* for whoever only follows the path, and `openssl` passes a fourth. A Business ID where an OID should be,
# a title without its code: the signature is right, the chain is right, and some system will stumble over it on the first day. And an
# impostor, an authority with the right **name** and the wrong key, passes the linter, which sees one certificate alone and has no
# clock. Neither judge replaces the other.
#
# ## 7. Taking it back
#
# Revocation (varmenteen sulkeminen) is the one thing that an authority cannot do alone: it can only *say* it, and the others must
# listen. It has two voices. The revocation list (sulkulista) says everything at once and is good until its next edition; OCSP answers
# one question, for a short while. Every revocation names a reason; which reasons there are depends on whose certificate it is.

# %% NBVAL_CHECK_OUTPUT
table(
    ("Reason", "Code of RFC 5280", "For", "How firmly"),
    [(one.id, one.reason.value, ", ".join(sorted(one.kinds)), one.grade) for one in authorities.reasons.values()],
)

# %% [markdown]
# A hospital's system fetches the list in the morning, as it does every day, and asks OCSP about Elina's card. At eleven Elina misses
# it and calls. (The responder's answers hold an hour and the list a day; both are choices of ours, DVV's are not public.)

# %% NBVAL_CHECK_OUTPUT
from contextlib import ExitStack

from sotepki.services import running_services
from sotepki.x509.ocsp_client import ask_status

stack = ExitStack()
services = stack.enter_context(running_services(workspace))
persons = authorities.certificate("sote-persons")
RESPONDER = f"{services.publication_url}/dvvtshp2rc"


def fetch_list():
    """The list of the persons' authority, as it is published at this moment."""
    authorities.publish_if_due(workspace.published)
    return x509.load_der_x509_crl((workspace.published / "crl" / "dvvtshp2rc.crl").read_bytes())


def state_of(certificate):
    """What the responder of the persons' authority says now."""
    return ask_status(RESPONDER, certificate, persons, at=clock.now()).status.state


morning, asked = fetch_list(), ask_status(RESPONDER, signature, persons, at=clock.now())
print("in the morning:", len(list(morning)), "entries; OCSP says", asked.status.state)
clock.advance(timedelta(hours=4))
lost_at = clock.now()
workspace.vartti.close_card(card.card_number, "lost", elina.person.hetu)
later = fetch_list()
print("after the call:", len(list(later)), "entries; OCSP says", state_of(signature))
print("asked about somebody else's certificate:", state_of(server))
numbers = [one.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for one in (morning, later)]
print("the number of the list has grown:", numbers[1] > numbers[0])

# %% [markdown]
# Both certificates of the card are on the list, since both keys went with it. *Unknown* means: not one of mine. It is not *good*.
# Now the afternoon, two hours after the call. Everybody follows the rules, and not everybody knows:


# %% NBVAL_CHECK_OUTPUT
def believes(lists=(), answers=()):
    """What a relying party concludes from what it holds, two hours after the call."""
    report = validate_path(
        signature, trust=[authorities.root], intermediates=issuers, at=lost_at + timedelta(hours=2),
        purpose=Purpose.CARD_SIGNATURE, crls=[*lists, root_list], ocsp_responses=answers,
    )  # fmt: skip
    return "; ".join([str(report.verdict), *(f"{one.message} [{one.rule}]" for one in report.findings)])


root_list = x509.load_der_x509_crl((workspace.published / "crl" / "dvvtest3rc.crl").read_bytes())
print("list of the morning: ", believes([morning]))
print("list after the call: ", believes([later]))
print("answer of the morning:", believes(answers=[asked.response]))
print("nothing at all:      ", believes())

# %%
answer = next(iter(asked.response.responses))
held = {
    "list of the morning": (morning.last_update_utc, morning.next_update_utc),
    "OCSP answer of the morning": (answer.this_update_utc, answer.next_update_utc),
    "list after the call": (later.last_update_utc, later.next_update_utc),
}
windows(held, {"the card is lost": lost_at})

# %% [markdown]
# The hatched part of the first bar is the price of a list that holds a day: twenty hours in which a careful system believes a thief's
# card. The OCSP answer has run out by itself and hurts nobody, but whoever relies on it must be able to ask. Choosing these two
# lengths is choosing between a window for the thief and a standstill when a service is down; notebook 13 has such a day.
#
# ### And never back

# %% NBVAL_CHECK_OUTPUT
for what, certificate, reason in (
    ("Revoke it again", signature, x509.ReasonFlags.key_compromise),
    ("Only for a while", server, x509.ReasonFlags.certificate_hold),
    ("A server leaves its job", server, x509.ReasonFlags.affiliation_changed),
):
    attempt(what, lambda one=certificate, why=reason: authorities.revoke(one, reason=why, actor="dvv"))

# %% [markdown]
# ## 8. The ledger
#
# What the three authorities of the RSA tree have issued in this notebook, and what became of it. An authority that cannot print this
# table does not know what it vouches for.

# %% NBVAL_CHECK_OUTPUT
from collections import Counter

rsa = [one for one in authorities.issued() if one.authority_id in ("root", "sote-persons", "sote-services")]
issued = Counter((one.authority_id, one.profile, str(one.status.state)) for one in rsa)
table(("Authority", "Profile", "State", "How many"), [(*what, count) for what, count in sorted(issued.items())])

# %% [markdown]
# ## What was shown

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "token.key.not-extractable", "authority.exists", "authority.profile", "authority.validity", "serial.unique",
    "path.purpose.key-usage", "path.untrusted", "path.revoked", "publication.crl-number", "revocation.final",
    "revocation.no-hold", "revocation.reason",
)  # fmt: skip

# %% [markdown]
# ## Exercises
#
# Write your lines above the check and run the cell. `.hint()` helps, `.explain()` tells what it was about.

# %%
from sotepki.training import task

leaked = task("leaked-system-key", workspace)
leaked

# %% NBVAL_CHECK_OUTPUT
# Your turn: authorities.revoke(...), and then let everybody know.
leaked.check()

# %%
unknown = task("whose-certificate", workspace)
unknown

# %% NBVAL_CHECK_OUTPUT
answer = ""  # Your turn: the id of a profile.
unknown.check(answer)

# %%
window = task("window-for-a-thief", workspace)
window

# %% NBVAL_CHECK_OUTPUT
answer = None  # Your turn: a moment.
window.check(answer)

# %% [markdown]
# And without a check:
#
# 1. Make the authority for general test cards and draw section 1 again. *Expected: no box is dashed any more.*
# 2. `sotepki cert lint` and `openssl verify` on a certificate of your own system, side by side. *Expected: one of them sees what the
#    other does not.*
# 3. Ask your system's people for how long it keeps a list, and what it does when OCSP is silent. *Expected: an answer in minutes.*

# %%
stack.close()
close("certificates")
print("sotepki notebook: reached the end")
