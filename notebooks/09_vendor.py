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
# # The vendor: from a request to a green report
#
# In three weeks the joint testing (yhteistestaus) of Kaiku 4.2 begins. The county's social services have bought it; its makers have
# certificates to order, a connection to open, documents to sign, and no second chance this spring if the first day goes badly.
# Kasperi Kaarnakoski, who is the technical contact person (tekninen yhteyshenkilö), has three weeks of evenings.
#
# This notebook is the rehearsal. We order certificates, knock at Kanta's door until it opens, let a web page have something signed
# by the card in a reader, hand Kaiku's own files to the conformance suite, read a red report down to its cause, and compare it with
# the next one. At the end you put **your** files in the place of ours. Forty minutes to read, half a minute to run.
#
# The suite is not Kela's test. It judges by what is publicly known, says on what evidence, and fails nobody on a guess.

# %%
import shutil
from contextlib import ExitStack
from pathlib import Path

from story import be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast, make_request
from sotepki.journey.card_holder import card_in_hand
from sotepki.journey.service_provider import provider_system
from sotepki.journey.walk import Walk

be_kind()
workspace = new_workspace("vendor", card_keys=1)
cast = load_cast()
organisation = workspace.thl.organisation(cast.organisation("social-services"))
elina = workspace.valvira.professional_of(cast.person("social-worker"))
walk, stack = Walk(workspace, print), ExitStack()
desk = Path(workspace.directory) / "vendor"
desk.mkdir(exist_ok=True)

# %% [markdown]
# ## 1. The request
#
# A certificate signing request (varmennepyyntö, CSR) is the first thing that a vendor sends, and the first that comes back. DVV
# promises an answer in some working days; an error in the request costs them all. So it is checked before it is sent. This one was
# made in a hurry:

# %% NBVAL_CHECK_OUTPUT
from sotepki.x509.csr import CsrKind, check_csr


def judged(request):
    """Print what the check says of a request."""
    report = check_csr(request, CsrKind.SERVER)
    print("ready to send" if not report.findings else "not ready:")
    for finding in report.findings:
        print(f"  {finding.severity}: {finding.message}  [{finding.rule}]")


hurried = make_request(desk, "hurried", {"C": "FI", "O": organisation.name, "CN": "kanta"})
judged(hurried.request.read_bytes())

# %% [markdown]
# And this is how it should have been. `provider_system` does what the makers do: a key and a request by `openssl req` for the server
# and one for the system signature, the application in the e-service (verkkoasiointi), the answer by mail. The keys never leave the
# directory in which they were made.

# %% NBVAL_CHECK_OUTPUT
provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
judged(provider.server.request_file.read_bytes())
print("host:", provider.host_name)

# %% [markdown]
# There are now **two** certificates, and half of the troubles of the first week come from taking one for the other. The server
# certificate (palvelinvarmenne) opens connections. The system signature certificate (järjestelmäallekirjoitusvarmenne) signs
# documents that no person signs.
#
# ## 2. Knocking at Kanta's door
#
# Kanta lets nobody in who shows no certificate: mutual TLS. When that fails, a client learns next to nothing, and this is on
# purpose: whoever is refused before the first byte of a message is told no reasons. So a developer needs to see **both sides** of
# the door. Kasperi knocks four times.

# %%
from vendor_story import Door, home_made

from sotepki.documents import build_frame
from sotepki.identifiers import Oid
from sotepki.services import running_services
from sotepki.x509.names import readable

services = stack.enter_context(running_services(workspace))
door = Door(services)
relation = walk.by_system(provider)
message = build_frame(
    relation,
    message_id=Oid.parse("1.2.246.10.99000018.94.2026.1"),
    sender=organisation.oid,
    at=workspace.clock.now(),
    service_request="SP17",
)
shown = {
    "no certificate": None,
    "the one of the makers' own network": home_made(desk, provider.server, workspace.clock),
    "the system signature certificate": provider.system_signature,
    "the server certificate": provider.server,
}
knocks = {what: door.knock(message, identity) for what, identity in shown.items()}

# %%
for what, knock in knocks.items():
    print(f"{what}: {knock.client}")

# %% [markdown]
# That is all the client has: an alert by TLS, whose wording depends on the library, or the code of an answer. On the other side of
# the door somebody kept a log:

# %% NBVAL_CHECK_OUTPUT
table(
    ("Shown", "Kanta answers", "OpenSSL's reason, in Kanta's log", "Rules, in Kanta's log"),
    [
        (what, knock.code, knock.entry.reason, ", ".join(f"`{rule}`" for rule in knock.entry.rules))
        for what, knock in knocks.items()
    ],
)

# %% [markdown]
# Look at the difference between the second and the third. The makers' certificate is refused by TLS itself: no chain to a root that
# Kanta trusts, so no connection and no sentence. The system signature certificate **does** chain, so the connection stands, and the
# refusal comes as a proper answer with rules: the certificate is good, and not for this.
#
# Where is it read? The log is in the workspace: `sotepki kanta requests --handshakes` at the command line, or the page of the
# service `kela` under `sotepki serve`. And because "but we do send the right one" is the sentence that costs most time, the refused
# certificate itself is kept (`sotepki kanta certificate SHA256`):

# %% NBVAL_CHECK_OUTPUT
entry = knocks["the one of the makers' own network"].entry
kept = services.kanta.refused_certificate(entry.certificate_sha256)
print("subject:", readable(kept.subject))
print("issuer: ", readable(kept.issuer))
print("the makers' own:", kept == shown["the one of the makers' own network"].certificate)

# %% [markdown]
# The name is right, and that is the trap: names are free, only the chain counts.
#
# Sometimes it is the client that refuses, and rightly. Here the program expects the name of another machine; then somebody has not
# put Kanta's root among those that the client trusts. Now *Kanta* is the one who gets an alert without reasons:

# %% NBVAL_CHECK_OUTPUT
own_root = shown["the one of the makers' own network"].chain_file.read_text(encoding="ascii")
astray = {
    "another host name": door.knock(message, provider.server, name="kanta.example"),
    "another root": door.knock(message, provider.server, roots=own_root),
}
for what, knock in astray.items():
    print(f"{what}: {knock.code}; in Kanta's log {', '.join(knock.entry.rules)}")

# %% [markdown]
# So the first question at a refused handshake is **who said no**. If your own library says "verify failed", it was you; if it says
# "alert", it was the other side. Switching the verification off, as the first hit of every search advises, ends the message and opens
# the house to everybody. (The suite's area `tls` is there to catch that: a client that accepts a stranger fails a case.)
#
# ## 3. The page that asks for a signature
#
# Kaiku has a part for the browser. When Elina Vinhalampi, social worker, signs there, the page cannot reach her card; it calls the
# Signature Creation Service (SCS) of the card reader software, on her own machine: `https://127.0.0.1:53952`. Elina types the PIN,
# and the page gets a signature. We put her card into the reader of a workstation and are the page.

# %%
from vendor_story import Workstation

card = card_in_hand(workspace, registrar=cast.person("registrar-county-1"), applicant=elina.person.hetu)
ORIGIN = "https://kaiku.tunturilaakso.test.example"
station = Workstation(workspace, stack, typed="1234 123456")
page = station.page(ORIGIN, version="1.2")

# %% NBVAL_CHECK_OUTPUT
for moment in ("no card", "Elina's card"):
    if moment != "no card":
        station.reader.insert(card.card_number)
    said = page.version()
    print(f"{moment}: version {said.version}, card {said.card_present}, {len(said.hash_algorithms)} hash algorithms")

# %% [markdown]
# From version 1.2 on an empty list means: no card. In 1.1 the lists are always full, and only `/sign` will tell
# (docs/field/scs.md 4: confirmed).
#
# Our page is Python, since it must run in a test; in Kaiku it is a few lines of script:
#
# ```javascript
# const selector = {keyusages: ["nonRepudiation"]};
# const data = {content, contentType: "data", hashAlgorithm: "SHA256", signatureType: "signature"};
# const body = JSON.stringify({version: "1.1", selector, ...data});
# const headers = {"Content-Type": "application/json; charset=UTF-8"};
# const answer = await fetch("https://127.0.0.1:53952/sign", {method: "POST", headers, body});
# const {status, reasonCode, signature, signatureAlgorithm, chain} = await answer.json();
# ```
#
# Before the browser sends this, it asks the service by itself whether it may (CORS preflight). When this goes wrong, the page sees
# "network error" and nothing else, so it is good to know how it looks when it goes right:

# %% NBVAL_CHECK_OUTPUT
from vendor_story import preflight

table(("Header", "Value"), [(f"`{name}`", f"`{value}`") for name, value in preflight(page).items()])

# %% [markdown]
# Any page may call; what protects Elina is not this list, but the PIN and the rule of the origin below. (`Private-Network` is
# answered only to browsers that ask. One implementation is known not to answer it, and a browser that guards the local network then
# lets nobody through: the quirk `no-private-network`.)
#
# **A login** is a signature over a challenge, with the authentication key and PIN1 (perustunnusluku). The service signs only what
# begins with the origin of the page that asks; otherwise any page could have Elina log in to yours. (That the same challenge is
# refused the second time is our own choice; a page makes a new one each time anyway.)

# %% NBVAL_CHECK_OUTPUT
import secrets

from sotepki.scs import ChallengeForm, challenge_content
from sotepki.scs.client import AUTHENTICATION


def told(what, answer):
    """Print what the service answered; ``/sign`` is HTTP 200 in any case."""
    print(f"{what}: {answer.reason_code} {answer.reason_text}")
    return answer


nonce = secrets.token_hex(32)
challenge = challenge_content(ORIGIN, nonce, ChallengeForm.LINE)
told("Kaiku's own challenge", page.login(nonce))
told("the same once more", page.login(nonce))
stranger = station.page("https://elsewhere.test.example", version="1.2")
told("a stranger's page with Kaiku's challenge", stranger.sign(challenge, key_usage=AUTHENTICATION))
_ = told("a short challenge", page.login("12345"))

# %% [markdown]
# **A document** is signed with the other key and PIN2 (allekirjoitustunnusluku). People cancel, and people mistype; a page that
# knows only success shows an empty error box on both days.

# %% NBVAL_CHECK_OUTPUT
for typed in ("1234 cancel", "1234 999999", "1234 123456"):
    station.typed = typed
    answer = told(f"PIN2 '{typed.split()[1]}'", page.sign(b"the plan"))

# %% [markdown]
# `status` and `reasonCode` decide, never the text. And an answer with 200 is not yet a signature: the page's server verifies it,
# with the certificate that came along, up to a root of its own choice. The services on people's desks have habits
# (docs/scs.md, quirks), and what is right with one is wrong with the next. One question, put to four services:

# %% NBVAL_CHECK_OUTPUT
from sotepki.scs.explaining import Asked, Trusted, explain

trusted = Trusted([workspace.authorities.root])
asked = Asked(b"the plan", hash_name="SHA512")
rows = []
for habit in ("none", "ignores-hash", "leaf-only", "no-content-type"):
    habitual = station.page(ORIGIN, quirks=[] if habit == "none" else [habit])
    answer = habitual.sign(asked.content, hash_name="SHA512")
    verdict = explain(asked, answer, trusted, workspace.clock.now())
    found = ", ".join(f"`{one.rule}`" for one in verdict.findings)
    rows.append((habit, answer.signature_algorithm, len(answer.chain), verdict.verdict, found))
table(("Habit", "Signed with", "Certificates", "Verdict", "Found"), rows)

# %% [markdown]
# `ignores-hash` is the dangerous one. Kaiku asked for SHA-512 and would have noted SHA-512; the signature is over SHA-256, and says
# so in `signatureAlgorithm`. Take the algorithm from the answer, or refuse the answer. With `leaf-only` the issuing certificate is
# missing, and a server that counts on three certificates finds no way to the root; it has to keep the issuers itself.
# `no-content-type` breaks no rule, and every page that looks at the content type first.
#
# Run the page against each habit: `sotepki scs serve --card NUMBER --quirk leaf-only`. `sotepki scs page` does the reverse, and
# judges a service. A last warning: the card of a revoked certificate still signs. Only who verifies can notice.
#
# ## 4. Documents, as they leave the system
#
# Elina signs a client plan (asiakassuunnitelma) with her card; the system signs a client-relationship document
# (asiakkuusasiakirja). Then the export module writes both to files, and because somebody once had to read one, it writes the second
# *nicely*.

# %%
from lxml import etree

station.reader.remove()
plan = walk.by_card(organisation, elina, card)


def nicely(document):
    """The export module of the story: indents what it writes."""
    tree = etree.fromstring(document, etree.XMLParser(remove_blank_text=True))
    etree.indent(tree)
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")


documents = desk / "documents"
documents.mkdir(exist_ok=True)
(documents / "plan.xml").write_bytes(plan)
(documents / "exported.xml").write_bytes(nicely(relation))
print("two documents exported")

# %% [markdown]
# ## 5. The description
#
# What the suite shall test stands in one file. Attach any part of a system and leave out the rest; `sotepki conformance init`
# writes such a file with comments, `doctor` looks at each part before the suite does.

# %% NBVAL_CHECK_OUTPUT
from conformance.doctor import examine_description

description = desk / "system.toml"


def describe(server_request):
    """Write Kaiku's description, with this request for the server certificate."""
    description.write_text(
        f"""name = "Kaiku 4.2 TEST"

[trust]
workspace = "{workspace.directory}"

[certificates]
server = "{provider.server.chain_file}"
system-signature = "{provider.system_signature.chain_file}"

[csrs]
server = "{server_request}"
system-signature = "{provider.system_signature.request_file}"

[documents]
directory = "documents"
""",
        encoding="utf-8",
    )


describe(provider.server.request_file)
for symptom in examine_description(description, workspace.clock):
    print(f"{symptom.state}: {symptom.part}")

# %% [markdown]
# ## 6. A red report, read to its cause

# %% NBVAL_CHECK_OUTPUT
from conformance.report import Earlier
from conformance.running import RunOptions, run
from conformance.session import Selection
from conformance.sut.loading import attach


def rehearse(name, compared="", selection=None, extension=None):
    """Run the chosen cases, or all that apply; the report goes into a directory of that name."""
    earlier = Earlier.load(desk / compared) if compared else None
    options = RunOptions(language="en", compared=earlier, extension=extension)
    with attach(description) as attached:
        return run(attached.sut, desk / name, selection=selection, bench=attached.bench, options=options)


def verdicts(summary):
    """What did not pass: how many cases failed, warned or had an error."""
    counts = {str(verdict): count for verdict, count in summary.counts.items() if count}
    return {name: count for name, count in counts.items() if name not in ("pass", "skip")} or "nothing in the way"


first = rehearse("first")
print(verdicts(first))
print("reports:", ", ".join(sorted(path.name for path in (desk / "first").iterdir())))

# %% NBVAL_CHECK_OUTPUT
failed = [result for result in first.results if str(result.verdict) == "fail"]
table(("Case", "Why"), [(f"`{result.case}`", result.reason) for result in failed])

# %% [markdown]
# One red case. `report.html` shows the same for people, in Finnish, Swedish and English. Read it downwards, in four steps, and do
# not begin to program before the fourth. **The requirement**: what is asked, by whom, and how firmly is it known?

# %% NBVAL_CHECK_OUTPUT
from conformance.extending import register

(red,) = failed
(judgment,) = [one for one in red.judgments if not one.met]
requirement = register(None)[judgment.requirement]
print(f"{requirement.id}: {requirement.text}")
print(f"source: {requirement.source} ({requirement.grade}, {requirement.basis}); heaviest: {requirement.ceiling}")

# %% [markdown]
# *Confirmed* and *norm*: nothing to argue about. **The finding**: which rule spoke, and where in which file? **The evidence**: the
# report keeps what was judged, with length and digest, so that nobody later discusses another file.

# %% NBVAL_CHECK_OUTPUT
import hashlib

finding = judgment.finding
print(f"{finding.rule}: {finding.where}")
piece = next(one for one in red.evidence if one.media_type == "application/xml")
exported = (documents / "exported.xml").read_bytes()
print(piece.title, "is our file:", piece.sha256 == hashlib.sha256(exported).hexdigest())

# %% [markdown]
# **The cause.** A value that does not verify could be a wrong key, a wrong certificate, another encoding, a changed document. The
# diagnosis undoes one usual accident after another until the signature verifies, so it does not guess:

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents.diagnosis import diagnose

for one in diagnose(exported):
    print(one.text())
print("the advice in the report:", *red.advice)

# %% [markdown]
# Note what was *not* broken: the plan, which went through the same module on the plain path. Two documents by two ways are worth
# more than ten by one.
#
# ## 7. Mended, and compared
#
# The export module is told to write bytes as they are. On the same evening a colleague makes the request for the server certificate
# "more complete". Kasperi runs again, and lets the report compare itself with the first one.

# %% NBVAL_CHECK_OUTPUT
import json

(documents / "exported.xml").write_bytes(relation)
host = provider.host_name
fuller = {"C": "FI", "O": organisation.name, "OU": "IT", "CN": host, "emailAddress": f"it@{organisation.domains[0]}"}
describe(make_request(desk, "fuller", fuller, dns_names=[host]).request)
second = rehearse("second", compared="first")
print(verdicts(second))


def comparison(name):
    """What a report says of the one before it: what became of which cases."""
    report = json.loads((desk / name / "report.json").read_text(encoding="utf-8"))
    changes = {
        key: [one["id"] for one in rows] for key, rows in report["comparison"].items() if isinstance(rows, list)
    }
    told = {"gone": "not part of this run", "unchanged": "all others"}
    return [(key, told.get(key) or ", ".join(f"`{one}`" for one in ids)) for key, ids in changes.items() if ids]


table(("Since the run before", "Which"), comparison("second"))

# %% [markdown]
# Who looks at sums alone sees "worse than yesterday" and suspects the export. The comparison tells two stories apart: one thing was
# **mended**, and **new** faults stand in another file, which somebody else touched. *Unchanged* counts also what was skipped both
# times; a case that is skipped now mends nothing.
#
# The report also says what that means for the calendar. Requests belong to the pre-test cases, and those stand before phase 1:

# %% NBVAL_CHECK_OUTPUT
report = json.loads((desk / "second" / "report.json").read_text(encoding="utf-8"))
for phase in report["process"]:
    print(f"{phase['phase']}: {'open' if phase['open'] else 'closed by ' + ', '.join(phase['blocked_by'])}")

# %% [markdown]
# ## 8. Only what the change touches
#
# The request is put right again. Must everything run? In the three weeks before a test there are many small changes, and the whole
# suite against a system with cards and people at the keyboard takes an afternoon. Which cases a change touches is data
# (`conformance/process.yaml`, a choice of this suite):

# %%
from architect_pictures import stacked

from conformance.extending import declared
from conformance.process import areas_of_changes, process

cases = declared(None)
touched = {kind: sum(case.area in areas for case in cases) for kind, areas in process().changes.items()}
stacked({kind: {"touched": n, "not touched": len(cases) - n} for kind, n in touched.items()}, across="cases")

# %% NBVAL_CHECK_OUTPUT
describe(provider.server.request_file)
third = rehearse("third", compared="second", selection=Selection(areas=areas_of_changes(["certificates"])))
print("less than half of the cases:", len(third.results) < len(cases) / 2)
print(verdicts(third))
table(("Since the run before", "Which"), comparison("third"))

# %% [markdown]
# On the command line: `--changed certificates`; or `--failed second`, which runs only what was red. Before the day itself, run
# everything once more.
#
# Green, then? As far as files can show it. The cases that were skipped wait for other parts of the system, and **nobody looked** is
# not *passed*:

# %%
import re
from collections import Counter

waiting = Counter(
    part
    for result in first.results
    for part in re.findall(r"\[([a-z-]+)\]", result.reason)
    if "skip" in result.verdict
)
table(
    ("Attach", "And so many cases more are run, at most"), [(f"`[{part}]`", n) for part, n in waiting.most_common()]
)

# %% [markdown]
# Each is a few lines of the description ([docs/conformance.md](../docs/conformance.md)): a command that signs, an address that
# verifies, a running client that a person operates.
#
# ## 9. A rule of your own
#
# The suite asks what the public evidence asks. A house knows more of itself. Kaiku once sent plans whose title in the header was not
# the title in the body. No signature can notice that, since the header is not signed (notebook 12), and the suite does not judge it.
# Kasperi does. `sotepki conformance new kaiku.title --cases mine` begins the files; he fills them in.

# %%
from conformance.extending import Extension

mine = desk / "mine"
mine.mkdir(exist_ok=True)
(mine / "kaiku.yaml").write_text(
    """kaiku.title:
  text: The title in the header of a document is the title in its body.
  source: house rule 1 of Kaiku
  grade: confirmed
  basis: choice
  actor: {classes: [A2], roles: [producer]}
  level: must
  phase: pre-test
  advice: Take both titles from one field of the editor.
""",
    encoding="utf-8",
)
(mine / "case_kaiku.py").write_text(
    '''"""A house rule of Kaiku's."""

from conformance.declaring import Area, case
from conformance.requirements import Phase
from sotepki.xmldsig import parse


@case("kaiku.title", title="One title", area=Area.SIGNATURES, phase=Phase.PRE_TEST,
      requirements=["kaiku.title"], mutants=["kaiku-retitles"])
def title(documents, check):
    """Header and body of every document of the system bear the same title."""
    for one in documents:
        header = parse(one.content).findtext("{*}title")
        body = one.report.body().structured["asiakirja"]["otsikko"]
        check.that("kaiku.title", header == body, "The titles differ.", subject=one.name, expected=body, found=header)
''',
    encoding="utf-8",
)
extension = Extension.load(mine)
print("cases:", [one.id for one in extension.cases], "faults:", list(extension.faults))

# %% NBVAL_CHECK_OUTPUT
(documents / "retitled.xml").write_bytes(plan.replace(b"<title>Asiakassuunnitelma", b"<title>Jotakin muuta"))
both = Selection(cases=frozenset({"kaiku.title", "signature.professional.digests"}))
for result in rehearse("own-rule", selection=both, extension=extension).results:
    print(f"{result.case}: {result.verdict} {result.reason}")
    for one in result.findings:
        print(f"  {one.where}: expected {one.expected!r}, found {one.found!r}")
(documents / "retitled.xml").unlink()

# %% [markdown]
# The digests are right and the title is wrong, just as foretold. That it only *warns* is no softness of the case: a `choice` may not
# fail anybody, not even when the vendor made it. And a case without a broken system that it catches, here `kaiku-retitles`, is not
# even loaded: `sotepki conformance prove --cases mine` asks the last question of every test, whether it **can** fail.
#
# ## 10. The package
#
# Kela's tester, the customer and the assessment body want to see what was run. A package has the reports, the evidence as single
# files, the versions, a draft in the form of a statement (yhteistestauslausunto), and a manifest of digests, signed.

# %% NBVAL_CHECK_OUTPUT
from vendor_story import unpacked, verified

from conformance.packaging import write_package

write_package(desk / "third", desk / "kaiku.zip", workspace.clock)
signature, differ = unpacked(desk / "kaiku.zip", desk / "received")
print(f"as received: manifest {signature} by openssl, {len(differ)} files differ")
received = desk / "received" / "report.json"
received.write_text(received.read_text(encoding="utf-8").replace('"skip"', '"pass"'), encoding="utf-8")
signature, differ = verified(desk / "received")
print(f"with every skip made a pass: manifest {signature}, differ: {differ}")

# %%
draft = (desk / "received" / "statement-draft.md").read_text(encoding="utf-8").rpartition("---\n")[2]
print(draft.strip())

# %% [markdown]
# The signature vouches for the manifest, and the manifest for the files; who receives a package checks both. The key was made for
# this package, so it shows that nothing was changed since, not who ran the suite. And the first lines of the draft mean what they
# say: only Kela gives statements.
#
# ## 11. Your own files
#
# Put documents of your system into a directory `my-files` beside this notebook, and run from here. Documents of another
# authority's certificates are judged too; add yours under `[trust]`. Take test documents only: nothing with a real person in it.

# %%
own = Path("my-files")
found = sorted(own.glob("*.xml")) if own.is_dir() else []
for path in found:
    shutil.copy(path, documents / path.name)
if found:
    print(verdicts(rehearse("own")), "with", len(found), "documents of your own")
else:
    print("There is no directory my-files with *.xml beside this notebook; nothing of your own was judged.")

# %% [markdown]
# Or one at a time. In JupyterLab the cell below has a button for your files; on a page it shows what it says of ours, the export
# of section 4. It looks at what stands in a file: a document, a certificate, a request, a revocation list.

# %% NBVAL_CHECK_OUTPUT
from widgets import document_drop

drop = document_drop(workspace)
drop.judge("exported.xml", nicely(relation))

# %% NBVAL_CHECK_OUTPUT
drop.judge("hurried.csr", hurried.request.read_bytes())

# %% [markdown]
# A wrong file breaks nothing. Somebody drops a picture, and somebody an empty file:

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import VerificationContext, verify_document

context = VerificationContext(trust=[workspace.authorities.root], at=workspace.clock.now())
for what, data in {"a picture": b"\x89PNG\r\n\x1a\n", "an empty file": b"", "a letter": b"Dear sirs,"}.items():
    finding = verify_document(data, context).findings[0]
    print(f"{what}: {finding.message} [{finding.rule}]")

# %% [markdown]
# ## What was shown
#
# Requirements that Kaiku had broken on its way, from the results of the first two runs:

# %% NBVAL_CHECK_OUTPUT
results = [*first.results, *second.results]
broken = sorted({one.requirement for result in results for one in result.judgments if not one.met})
table(("Requirement", "It asks"), [(f"`{name}`", register(None)[name].text) for name in broken])

# %% NBVAL_CHECK_OUTPUT
rules_shown(
    "csr.domain.missing", "csr.subject.missing", "csr.organisational-unit", "csr.email", "tls.client.missing",
    "tls.client.issuer", "tls.handshake", "kanta.client.purpose", "scs.origin.mismatch", "scs.origin.replayed",
    "scs.answer.algorithm", "dsig.signature-value", "xml.not-well-formed", "xml.empty",
)  # fmt: skip

# %% [markdown]
# ## Exercises
#
# Each of these is checked: the check looks at the workspace, or at what you hand in, and says what is still missing. `hint()` helps,
# `explain()` tells what was to be learnt. Solutions stand in [solutions](solutions.ipynb).

# %%
from sotepki.training import task

# %%
request = task("request-ready-to-send", workspace)
request

# %%
# Your turn: make the request, and hand it in instead of None.
request.check(None)

# %%
certificate = task("certificate-in-hand", workspace)
certificate

# %%
# Your turn: take the hospital through the e-service.
certificate.check()

# %%
visitor = task("who-knocked", workspace)
visitor

# %%
# Your turn: read Kanta's log, and hand in what was shown.
visitor.check(None)

# %%
accident = task("which-accident", workspace)
accident

# %%
# Your turn: find the accident, and hand in its name.
accident.check(None)

# %% [markdown]
# And without a check:
#
# 1. Let the page ask for `signature_type="cms-pades"`, and verify what comes with `openssl cms -verify`. *Expected: the document is
#    not in the signature; openssl wants it beside.*
# 2. Write the broken system `kaiku-retitles` (`sotepki conformance new kaiku.size --cases mine` shows the form), and run `sotepki
#    conformance prove --cases mine` before and after. *Expected: first that it does not exist, then nothing to say.*
# 3. Attach a verifier: `[verify]` with `conformance/examples/python/verifier.py`. *Expected: close to a hundred cases are not skipped
#    any more, and some of them fail, since that verifier looks at little.*

# %%
stack.close()
close("vendor")
print("sotepki notebook: reached the end")
