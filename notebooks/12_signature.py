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
# # Anatomy of a signature, and of the accidents that break it
#
# Elina Vinhalampi is a licensed social worker (laillistettu sosiaalityöntekijä). She has written a client plan
# (asiakassuunnitelma) for Testi-Pekka Hiidenkivi, and signs it with her card. Between her PIN2 and Kanta's answer lie four
# programs, two character encodings and a good deal of belief that "XML is just text".
#
# We take the signature apart, piece by piece, and check each piece by hand. Then we break it in fourteen ways, most of
# them the ordinary work of some ordinary program, and see what the verifier says and what the diagnosis makes of it. It takes half an hour
# to read and twenty seconds to run.

# %%
from datetime import UTC, datetime

from story import attempt, be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast

be_kind()
workspace = new_workspace("signature", at=datetime(2026, 3, 2, 9, 15, 30, tzinfo=UTC))
cast = load_cast()

# %% [markdown]
# ## 1. Before and after
#
# The plan is a CDA document: a header in XML, and a body that holds the text twice in base64, once for reading (XHTML) and
# once for machines (JSON). Elina's card has two keys; the one for signatures asks for PIN2 (allekirjoitustunnusluku) each
# time.

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import build_social_document, sign_as_professional
from sotepki.identifiers import Oid
from sotepki.journey.card_holder import PIN2, card_in_hand

elina = workspace.valvira.professional_of(cast.person("social-worker"))
organisation = workspace.thl.organisation(cast.organisation("social-services"))
client = workspace.population.person(cast.person("client-adult"))
order = card_in_hand(workspace, registrar=cast.person("registrar-county-1"), applicant=elina.person.hetu)

plan = build_social_document(
    client=client,
    organisation=organisation,
    author=elina,
    document_oid=Oid.parse("1.2.246.10.99000018.93.2026.12"),
    created=workspace.clock.now(),
)


def sign(document):
    """Elina signs: PIN2 is given for this one signature."""
    with workspace.cards.insert(order.card_number) as card:
        card.verify_pin2(PIN2)
        return sign_as_professional(
            document,
            key=card.signature_key,
            certificate=card.certificate("signature"),
            professional=elina,
            at=workspace.clock.now(),
        )


signed = sign(plan)
head = signed[: signed.index(b"<hl7fi:assignedAuthorSigner")]
tail = signed[signed.index(b"</hl7fi:signatureCollection>") + len(b"</hl7fi:signatureCollection>") :]
print("the plan is still there, byte for byte:", head + tail == plan)
print(
    "what was put in:",
    " ".join(
        dict.fromkeys(
            word.split(b">")[0].split(b" ")[0].decode()
            for word in signed[len(head) : -len(tail)].split(b"<")
            if word[:6] == b"hl7fi:"
        )
    ),
)

# %% [markdown]
# The signer did not write the document anew. It spliced its own text into a place of the header and left every other byte
# alone. This is the first rule of a quiet life: **whoever rewrites a document loses signatures**.
#
# ## 2. What is signed, and what is not
#
# A signature in Kanta does not cover the document. It covers two elements: the body, and the signature's own timestamp.
# The verifier tells which ones; the picture is drawn from its answer.

# %%
from lxml import etree
from signature_pictures import coverage

from sotepki.documents import VerificationContext, verify_document
from sotepki.dvv import SOTE_PERSONS
from sotepki.xmldsig import canonicalise, path_of, read_xml

context = VerificationContext(
    trust=[workspace.authorities.root],
    intermediates=[workspace.authorities.certificate(SOTE_PERSONS)],
    at=workspace.clock.now(),
    revocation=False,
    rights=workspace.valvira,
)
document = read_xml(signed)
report = verify_document(signed, context)
covered = set(report.signatures[0].covered)


def outlined(element, depth=0, deepest=1):
    """Depth, name, canonical length and coverage of elements, down to those that are signed."""
    name, path = etree.QName(element).localname, path_of(element)
    yield depth, name, len(canonicalise(element)), path in covered
    if depth < deepest or any(one.startswith(f"{path}/") for one in covered):
        for child in element:
            yield from outlined(child, depth + 1, deepest)


coverage(
    [row for row in outlined(document.root) if row[0] < 2 or row[3] or row[1] in ("signatureCollection", "signature")]
)

# %% NBVAL_CHECK_OUTPUT
print(report.verdict)
for path in report.signatures[0].covered:
    print(path)

# %% [markdown]
# The whole header is outside: title, client, author, custodian, even the signer's name. Let us see what that means. A
# stranger changes the title of the header; then, less modestly, the author's registration number (rekisteröintinumero).

# %% NBVAL_CHECK_OUTPUT
from sotepki.evidence import Severity


def judged(document_bytes):
    """The verdict, whether the XML signature itself is intact, and the rules that were broken."""
    answer = verify_document(document_bytes, context)
    intact = bool(answer.signatures) and answer.signatures[0].intact
    broken = dict.fromkeys(finding.rule for finding in answer.findings if finding.severity is Severity.ERROR)
    return str(answer.verdict), intact, list(broken)


def said(what, document_bytes):
    verdict, intact, broken = judged(document_bytes)
    print(f"{what}: {verdict}; signature intact: {intact}; {', '.join(broken) or 'no rule broken'}")


said("as signed", signed)
said("another title", signed.replace(b"<title>Asiakassuunnitelma</title>", b"<title>Jotakin muuta</title>"))
said(
    "another author",
    signed.replace(b'"00900000005"/>\n      <code code="T40"', b'"00900000004"/>\n      <code code="T40"'),
)
said(
    "another document id",
    signed.replace(b'<id root="1.2.246.10.99000018.93.2026.12"/>', b'<id root="1.2.246.10.99000018.93.2026.13"/>', 1),
)

# %% [markdown]
# The title went through, and no verifier in the world can help that: it was never signed. What saves the author and the id
# are cross-checks, values of the header that must agree with something that *is* signed, the certificate or the body's
# identifier. Hence the advice to everyone who reads documents: take from the verifier what was verified, and nothing else.
# `report.body()` gives it.

# %% NBVAL_CHECK_OUTPUT
body = report.body()
print(body.media_type, "of", len(body.text), "octets")
print(body.structured["asiakirja"]["otsikko"], "by", body.structured["laatija"]["nimi"])

# %% [markdown]
# ## 3. The chain of three hashes
#
# Inside `ds:Signature` stands `ds:SignedInfo`, a small list: how to canonicalise, how to sign, and for each covered element
# an address (`URI`), a way to make octets of it (`Transform`) and a digest. Only this list is signed by the card. So there
# are three steps, and every verification failure belongs to exactly one of them:
#
# 1. element → canonical octets → digest: must be `DigestValue`. Rule `dsig.digest`, seen by us as `doc.digest.body`.
# 2. SignedInfo → canonical octets → digest, by the card's key: must be `SignatureValue`. Rule `dsig.signature-value`.
# 3. the certificate in `KeyInfo` must hold that key, and be somebody's whom we trust.

# %% NBVAL_CHECK_OUTPUT
DS = "{http://www.w3.org/2000/09/xmldsig#}"
signature = next(document.root.iter(f"{DS}Signature"))
for element in signature.iter():
    name = etree.QName(element).localname
    depth = len(list(element.iterancestors())) - len(list(signature.iterancestors()))
    value = element.get("Algorithm") or element.get("URI") or ""
    if name in ("DigestValue", "SignatureValue", "X509Certificate"):
        value = f"({len(element.text)} characters of base64)"
    value = value if len(value) < 60 else f"{value[:57]}..."
    print(f"{'  ' * depth}{name}  {value}".rstrip())

# %% [markdown]
# Now by hand. First the digests: canonicalise the element that the address names, hash it, compare.

# %% NBVAL_CHECK_OUTPUT
import base64
import hashlib

for reference in signature.iter(f"{DS}Reference"):
    target = document.identified[reference.get("URI")[1:]]
    digest = hashlib.sha256(canonicalise(target)).digest()
    written = base64.b64decode(reference.findtext(f"{DS}DigestValue"))
    print(f"{etree.QName(target).localname}: {'agrees' if digest == written else 'differs'}")

# %% [markdown]
# Then the value: the public key of the certificate in `KeyInfo` over the canonical SignedInfo. If it did not fit, pyca would
# raise `InvalidSignature`.

# %% NBVAL_CHECK_OUTPUT
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

certificate = x509.load_der_x509_certificate(base64.b64decode(signature.findtext(f".//{DS}X509Certificate")))
certificate.public_key().verify(
    base64.b64decode(signature.findtext(f"{DS}SignatureValue")),
    canonicalise(signature.find(f"{DS}SignedInfo")),
    padding.PKCS1v15(),
    hashes.SHA256(),
)
print(f"RSA-{certificate.public_key().key_size}: the value verifies")

# %% [markdown]
# ## 4. Canonical means: one spelling
#
# Hash functions know bytes, and XML has many spellings for one thing. Canonicalisation picks one. Here are six spellings of
# one timestamp, and what becomes of them.

# %% NBVAL_CHECK_OUTPUT
spellings = {
    "as it is": '<t xmlns="urn:x" a="1" b="2">9:15</t>',
    "attributes turned round": '<t b="2" a="1" xmlns="urn:x">9:15</t>',
    "single quotes": "<t xmlns='urn:x' a='1' b='2'>9:15</t>",
    "unused namespace": '<t xmlns="urn:x" xmlns:y="urn:y" a="1" b="2">9:15</t>',
    "a line break more": '<t xmlns="urn:x" a="1" b="2">9:15\n</t>',
    "another prefix": '<x:t xmlns:x="urn:x" a="1" b="2">9:15</x:t>',
}
first = hashlib.sha256(canonicalise(read_xml(spellings["as it is"].encode()).root)).digest()
for what, text in spellings.items():
    octets = canonicalise(read_xml(text.encode()).root)
    print(f"{what:>24}: {'same digest' if hashlib.sha256(octets).digest() == first else 'another digest'}")

# %% [markdown]
# Order and quotes are forgiven. **White space and prefixes are not**, and that is where most accidents happen: to people the
# six look alike, and to a pretty-printer they *are* alike.
#
# Namespaces are the second trap. Exclusive canonicalisation (`xml-exc-c14n`) renders the declarations that an element uses;
# inclusive renders all that are in force at its place. Elina's body, both ways:

# %% NBVAL_CHECK_OUTPUT
element = document.identified[signature.find(f".//{DS}Reference").get("URI")[1:]]
for exclusive in (True, False):
    octets = canonicalise(element, exclusive=exclusive)
    print("exclusive:" if exclusive else "inclusive:", octets[: octets.index(b">") + 1].decode())

# %% [markdown]
# Who computes the one and names the other makes a signature that is wrong on every machine but their own.
#
# ## 5. Fourteen accidents
#
# Each of these functions takes Elina's signed plan and does to it what some program does every day. None of them means harm.

# %%
import re

from cryptography.hazmat.primitives.serialization import Encoding


def der(one):
    """A certificate as KeyInfo shows it."""
    return base64.b64encode(one.public_bytes(Encoding.DER))


def with_value(change):
    """The signature value, changed as octets."""

    def changed(match):
        return match[1] + base64.b64encode(change(base64.b64decode(match[2]))) + match[3]

    return re.sub(rb"(<ds:SignatureValue>)([^<]*)(<)", changed, signed)


def indented():
    tree = etree.fromstring(signed, etree.XMLParser(remove_blank_text=True))
    etree.indent(tree)
    return etree.tostring(tree)


def stripped():
    return etree.tostring(etree.fromstring(signed, etree.XMLParser(remove_blank_text=True)))


def folded():
    def lines(match):
        return match[1] + b"\n".join(match[2][at : at + 76] for at in range(0, len(match[2]), 76)) + b"<"

    return re.sub(rb'("B64">)([^<]*)<', lines, signed)


def prefixed():
    return re.sub(rb"(</?)ds:", rb"\1ns2:", signed).replace(b"xmlns:ds=", b"xmlns:ns2=")


authentication = workspace.cards.read(order.card_number).certificates["authentication"]
shown = b"<ds:X509Certificate>"
HAPPENINGS = {
    "pretty-printed on the way": indented(),
    "white space dropped by a parser": stripped(),
    "base64 folded by a mail gateway": folded(),
    "carriage returns in memory": signed.replace(b"\n      <text", b"&#13;\n      <text"),
    "text read and written as cp1252": signed.decode().encode("cp1252"),
    "prefixes of a data binding": prefixed(),
    "clock formatted again": signed.replace(b"09:15:30.000000Z", b"09:15:30Z"),
    "algorithm named late, by a template": signed.replace(b"rsa-sha256", b"rsa-sha512"),
    "value in little-endian order": with_value(lambda octets: octets[::-1]),
    "value encoded twice": with_value(base64.b64encode),
    "value as hexadecimal digits": with_value(lambda octets: octets.hex().encode()),
    "the other certificate of the card": re.sub(shown + rb"[^<]*", shown + der(authentication), signed),
    "both certificates, the wrong one first": signed.replace(
        shown, shown + der(authentication) + b"</ds:X509Certificate>" + shown, 1
    ),
    "one letter of the plan changed": signed.replace(b'representation="B64">P', b'representation="B64">Q', 1),
}
print(len(HAPPENINGS), "documents made")

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents.diagnosis import accidents, diagnose

others = workspace.cards.read(order.card_number).certificates.values()
found = {what: diagnose(made, list(others)) for what, made in HAPPENINGS.items()}
rows = []
for what, made in HAPPENINGS.items():
    verdict, _, broken = judged(made)
    named = dict.fromkeys(name for one in found[what] for name in one.accidents)
    causes = ", ".join(f"`{name}`" for name in named) or "none of the usual: the content was changed"
    rows.append((what, verdict, ", ".join(f"`{rule}`" for rule in broken), causes))
table(("What happened", "Verdict", "Rules broken", "Diagnosis"), rows)

# %% [markdown]
# The verdict says *that* it is broken and which rule is concerned. The diagnosis says *how it came about*: it tries the usual
# accidents backwards, and names the one after which everything fits again. The last row is the exception that proves its
# worth: where the content itself was changed, no accident explains it, and it says so. It never excuses a forgery.
#
# The first row hides a piece of luck. The body survived the pretty-printer only because the plan happened to be indented the
# way this printer indents; SignedInfo, which the signer writes on one line, did not. Accidents that strike only some
# documents are the ones that reach production.
#
# Which part breaks is half of the diagnosis, and can be read without any tool:

# %%
from signature_pictures import broken_parts

PARTS = ("body", "timestamp", "SignatureValue", "document")
broken_parts({what: [one.part for one in diagnoses] for what, diagnoses in found.items()}, PARTS)

# %% [markdown]
# | You see | Look first at |
# |---|---|
# | only the body | what writes the document after signing: pretty-printer, parser options, mail |
# | only the timestamp | a date that was formatted twice |
# | only the value | key, certificate, mechanism of the token, byte order, encoding of the value |
# | everything | canonicalisation or digest algorithm in the signer; a data binding that rewrites prefixes |
# | nothing can be read | the encoding of the file |
#
# Each accident comes with advice for the code:

# %% NBVAL_CHECK_OUTPUT
for one in found["pretty-printed on the way"]:
    print(one.text())

# %% [markdown]
# And now yours. The cell below takes a file: in JupyterLab with a button, in words with `judge`. Here it gets the folded document.

# %% NBVAL_CHECK_OUTPUT
from widgets import document_drop

drop = document_drop(workspace)
drop.judge("plan-from-the-mail.xml", HAPPENINGS["base64 folded by a mail gateway"])

# %% [markdown]
# ## 6. Accidents at the signer's desk
#
# Other accidents happen before the card is asked. To meet them we write a signer ourselves; it fits on one page, and each of
# its decisions is an argument. Note that Elina must give PIN2 for every attempt: the card does not know that we are playing.


# %%
def desk(*, exclusive=True, digest=hashlib.sha256, prepare=lambda octets: octets):
    """A signer of our own over the frame of the signed plan, with room for mistakes."""
    tree = read_xml(signed)
    mine = next(tree.root.iter(f"{DS}Signature"))
    for reference in mine.iter(f"{DS}Reference"):
        octets = canonicalise(tree.identified[reference.get("URI")[1:]], exclusive=exclusive)
        reference.find(f"{DS}DigestValue").text = base64.b64encode(digest(octets).digest()).decode()
    octets = prepare(canonicalise(mine.find(f"{DS}SignedInfo"), exclusive=exclusive))
    with workspace.cards.insert(order.card_number) as card:
        card.verify_pin2(PIN2)
        raw = card.signature_key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    mine.find(f"{DS}SignatureValue").text = base64.b64encode(raw).decode()
    return etree.tostring(tree.root, xml_declaration=True, encoding="UTF-8")


DESK = {
    "no mistake": desk(),
    "inclusive canonicalisation, named exclusive": desk(exclusive=False),
    "SHA-512 digests, named SHA-256": desk(digest=hashlib.sha512),
    "SignedInfo hashed before a token that hashes": desk(prepare=lambda octets: hashlib.sha256(octets).digest()),
}

# %% NBVAL_CHECK_OUTPUT
rows = []
for what, made in DESK.items():
    names = dict.fromkeys(name for one in diagnose(made) for name in one.accidents)
    advice = " ".join(accidents()[name].advice for name in names)
    rows.append((what, judged(made)[0], ", ".join(f"`{name}`" for name in names), advice))
table(("At the desk", "Verdict", "Diagnosis", "Advice"), rows)

# %% [markdown]
# The signer without a mistake shows that the national form is nothing secret: the same four lines, in any language, make a
# signature that verifies.
#
# A careful signer also refuses *before* it uses the card. `sign_as_professional` will not take the authentication
# certificate, and not somebody else's document:

# %% NBVAL_CHECK_OUTPUT
nurse = workspace.valvira.professional_of(cast.person("nurse"))
with workspace.cards.insert(order.card_number) as card:
    what_for = {"professional": elina, "at": workspace.clock.now()}
    attempt(
        "With the authentication key",
        lambda: sign_as_professional(
            plan, key=card.authentication_key, certificate=card.certificate("authentication"), **what_for
        ),
    )
    attempt(
        "For a nurse, with Elina's card",
        lambda: sign_as_professional(
            plan, key=card.signature_key, certificate=card.certificate("signature"),
            professional=nurse, at=workspace.clock.now(),
        ),
    )  # fmt: skip

# %% [markdown]
# ## 7. Not an accident
#
# So far nobody meant harm. The corpus of `sotepki` holds 243 documents, many of them made by somebody who does. The classic is
# *signature wrapping*: the signed element is moved to where nobody reads it, and a forged one is put in its place. The
# signature stays perfectly intact. We write the corpus to a directory and ask two verifiers about its wrapped documents:
# ours, and `xmlsec1`, a good and widely used program that verifies XML signatures and knows nothing of CDA.

# %%
import shutil
from pathlib import Path

from sotepki.documents.corpus import CorpusWorld, run_verifier, score, write_corpus

world = CorpusWorld()
corpus = Path(workspace.directory) / "corpus"
index = write_corpus(corpus, world)
wrapping = {**index, "documents": [row for row in index["documents"] if row["group"] == "c-wrapping"]}
theirs = VerificationContext(trust=[world.root], intermediates=world.intermediates, at=world.at, revocation=False)
XMLSEC1 = [
    *("xmlsec1", "--verify", "--verification-time", f"{world.at:%Y-%m-%d %H:%M:%S}"),
    *("--id-attr:ID", "urn:hl7-org:v3:nonXMLBody", "--id-attr:ID", "urn:hl7finland:signatureTimestamp"),
    *("--trusted-pem", str(corpus / index["trust"]), "--untrusted-pem", str(corpus / index["intermediates"])),
    "/dev/stdin",
]
answers = {"sotepki": score(wrapping, corpus, lambda data: (verify_document(data, theirs).verdict, "")).answers}
if shutil.which("xmlsec1"):
    answers["xmlsec1"] = score(wrapping, corpus, run_verifier(XMLSEC1)).answers
else:
    print("xmlsec1 is not installed here ('apt install xmlsec1' adds it); only sotepki is asked.")

# %%
from collections import Counter

from signature_pictures import shares

shares(
    {
        name: Counter("accepted" if str(one.verdict) == "valid" else "refused" for one in given)
        for name, given in answers.items()
    },
    ("accepted", "refused"),
)

# %% [markdown]
# Not one of these documents may be read as what it seems to be. Some that a pure signature verifier accepts:

# %% NBVAL_CHECK_OUTPUT
TOLD = ("wrap.body-into-header", "wrap.two-bodies", "wrap.structured-body-beside", "wrap.timestamp-elsewhere")
verdicts = {name: {one.id: one.verdict for one in given} for name, given in answers.items()}
table(
    ("What the forger did", "sotepki", "Rule", "xmlsec1"),
    [
        (row["change"], verdicts["sotepki"][row["id"]], f"`{row['rule']}`", verdicts["xmlsec1"][row["id"]])
        for row in wrapping["documents"]
        if row["id"] in TOLD
    ],
)

# %% [markdown]
# That is no reproach to xmlsec1: it was asked whether *something* is signed, and something is. Whoever reads documents has to
# ask the other question as well: is what I am about to read the very element that was signed, at the very place where I read
# it? `sotepki` resolves exactly the elements that the signature covers, demands that they be the body and the timestamp, and
# hands back only those.
#
# ## What was shown

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "doc.digest.body",
    "doc.digest.timestamp",
    "dsig.signature-value",
    "doc.key-usage",
    "doc.registration-number",
    "doc.body.id",
    "doc.coverage",
    "doc.structure",
    "xml.not-well-formed",
)

# %% [markdown]
# ## Exercises
#
# Each is checked; `hint()` helps, and solutions stand in [solutions](solutions.ipynb).

# %%
from sotepki.training import task

# %%
twice = task("signed-twice", workspace)
twice

# %%
# Your turn: sign once more, and hand in the document.
twice.check(None)

# %%
renamed = task("renamed-prefixes", workspace)
renamed

# %%
# Your turn: do what the script does, and hand in what it writes.
renamed.check(None)

# %%
letter = task("one-letter", workspace)
letter

# %%
# Your turn: change as little as you can, and hand in the document.
letter.check(None)

# %% [markdown]
# And without a check:
#
# 1. Wrap: copy the body into the header, give the one in place a new identifier, and see who notices. *Expected: `doc.body.id`.*
# 2. Judge the plan without Valvira's register: `dataclasses.replace(context, rights=None)`. *Expected: valid, but nobody was asked
#    whether Elina had a right to practise when she signed.*
# 3. On the command line: `sotepki document verify FILE` with a file of your own system. *Expected: verdict, rules, and below
#    them the diagnosis; `--no-diagnosis` leaves it out.*

# %%
close("signature")
print("sotepki notebook: reached the end")
