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
# In three weeks the joint testing (yhteistestaus) begins. The county's social services have bought a system; its makers have
# certificates to order, documents to sign, and no second chance this spring if the first day goes badly.
#
# This notebook is the rehearsal. We order service certificates as the technical contact person (tekninen yhteyshenkilö) does,
# hand the system's own files to the conformance suite, read a red report, mend the cause, and read it again in green. At the end
# you put **your** files in the place of ours. Half an hour to read, half a minute to run.
#
# The suite is not Kela's test. It judges by what is publicly known, says on what evidence, and fails nobody on a guess.

# %%
import shutil
from pathlib import Path

from story import be_kind, close, new_workspace, rules_shown, table

from sotepki.journey import load_cast, make_request
from sotepki.journey.service_provider import provider_system

be_kind()
workspace = new_workspace("vendor", card_keys=1)
cast = load_cast()
organisation = workspace.thl.organisation(cast.organisation("social-services"))
desk = Path(workspace.directory) / "vendor"
desk.mkdir(exist_ok=True)

# %% [markdown]
# ## 1. The request
#
# A certificate signing request (CSR) is the first thing that a vendor sends, and the first that comes back. DVV promises an answer
# in some working days; an error in the request costs them all. So it is checked before it is sent. This one was made in a hurry:

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
# and one for the system signature, the application in the e-service, the answer by mail.

# %% NBVAL_CHECK_OUTPUT
provider = provider_system(workspace, organisation, user=cast.person("technical-contact"))
judged(provider.server.request_file.read_bytes())
print("host:", provider.host_name)

# %% [markdown]
# ## 2. A document, as it leaves the system
#
# The system signs a client-relationship document (asiakkuusasiakirja) with its system signature certificate. Then its export module
# writes it to a file, and because somebody once had to read one, it writes it *nicely*.

# %%
from lxml import etree

from sotepki.journey.walk import Walk

signed = Walk(workspace, print).by_system(provider)


def nicely(document):
    """The export module of the story: indents what it writes."""
    tree = etree.fromstring(document, etree.XMLParser(remove_blank_text=True))
    etree.indent(tree)
    return etree.tostring(tree, xml_declaration=True, encoding="UTF-8")


documents = desk / "documents"
documents.mkdir(exist_ok=True)
(documents / "exported.xml").write_bytes(nicely(signed))
print("one document exported")

# %% [markdown]
# ## 3. The description
#
# What the suite shall test stands in one file. Attach any part of a system and leave out the rest; `sotepki conformance init`
# writes such a file with comments.

# %%
description = desk / "system.toml"
description.write_text(
    f"""name = "Vendor of the story 1.0"
kind = "files"

[trust]
workspace = "{workspace.directory}"

[certificates]
server = "{provider.server.chain_file}"
system-signature = "{provider.system_signature.chain_file}"

[csrs]
server = "{provider.server.request_file}"
system-signature = "{provider.system_signature.request_file}"

[documents]
directory = "documents"
""",
    encoding="utf-8",
)
print("written:", description.name)

# %% [markdown]
# ## 4. The first run

# %% NBVAL_CHECK_OUTPUT
from conformance.running import run
from conformance.sut.loading import attach


def rehearse(name):
    """Run every case that applies; the report goes into a directory of that name."""
    with attach(description) as attached:
        return run(attached.sut, desk / name, bench=attached.bench, language="en")


def verdicts(summary):
    """How many cases passed, warned and failed, without those that need a part that is not attached."""
    return {
        str(verdict): count
        for verdict, count in summary.counts.items()
        if str(verdict) in ("pass", "warn", "fail", "error")
    }


first = rehearse("first")
print(verdicts(first))

# %% NBVAL_CHECK_OUTPUT
failed = [result for result in first.results if str(result.verdict) == "fail"]
table(("Case", "Why"), [(f"`{result.case}`", result.reason) for result in failed])

# %% [markdown]
# Each row has a case, and behind it requirements with their sources; `report.html` beside it shows the same for people, in Finnish,
# Swedish and English, and the evidence. The suite says *that* the signature does not verify. What happened to it, the diagnosis
# finds out:

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents.diagnosis import diagnose

for one in diagnose((documents / "exported.xml").read_bytes()):
    print(one.text())

# %% [markdown]
# ## 5. Mended
#
# The export module is told to write bytes as they are. Run again:

# %% NBVAL_CHECK_OUTPUT
(documents / "exported.xml").write_bytes(signed)
second = rehearse("second")
print(verdicts(second))
before = {result.case for result in failed}
after = {result.case for result in second.results if str(result.verdict) == "fail"}
print("mended:", len(before - after), " still failing:", len(after & before), " new:", len(after - before))

# %%
from signature_pictures import shares

runs = {"first run": verdicts(first), "second run": verdicts(second)}
shares(runs, ("pass", "fail", "warn"))

# %% [markdown]
# Green, as far as files can show it. The cases that were skipped need more of the system: a command that signs, one that verifies,
# a client that connects, a card. Each is a few lines of the description ([docs/conformance.md](../docs/conformance.md)).
#
# ## 6. Your own files
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
# of section 2. It looks at what stands in a file: a document, a certificate, a request, a revocation list.

# %% NBVAL_CHECK_OUTPUT
from widgets import document_drop

drop = document_drop(workspace)
drop.judge("exported.xml", nicely(signed))

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
# Requirements that the mended document had broken, from the results of the first run:

# %% NBVAL_CHECK_OUTPUT
broken = sorted({j.requirement for result in failed for j in result.judgments if j.finding is not None})
for requirement in broken:
    print(requirement)

# %% NBVAL_CHECK_OUTPUT
rules_shown("csr.domain.missing", "csr.subject.missing", "dsig.signature-value", "xml.not-well-formed", "xml.empty")

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
accident = task("which-accident", workspace)
accident

# %%
# Your turn: find the accident, and hand in its name.
accident.check(None)

# %% [markdown]
# And without a check:
#
# 1. Add a second document, signed by a professional's card, and run. *Expected: cases for signatures of professionals are not
#    skipped any more.*
# 2. On the command line: `sotepki conformance doctor --sut system.toml`. *Expected: one line for each part that is attached.*
# 3. Compare two runs: `sotepki conformance run ... --compare`. *Expected: new faults, mended, unchanged.*

# %%
close("vendor")
print("sotepki notebook: reached the end")
