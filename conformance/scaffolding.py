"""A new private case with its requirement, its mutant and its test (``sotepki conformance new CASE``)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from conformance.catalogue import catalogue
from conformance.declaring import Area
from conformance.extending import register
from conformance.requirements import Phase
from sotepki.errors import Misuse
from sotepki.records import write_atomically

_ID = re.compile(r"[a-z][a-z0-9]*([.-][a-z0-9]+)*\Z")

_CASE = '''"""A private case: {title}."""

from __future__ import annotations

from conformance.check import Check
from conformance.declaring import Area, case
from conformance.requirements import Phase
from conformance.sut.facets import Trust, Verifies
from conformance.bench import Bench


@case(
    "{id}",
    title="{title}",
    area=Area.{area},
    phase=Phase.{phase},
    requirements=["{id}"],
    mutants=["{mutant}"],
)
def {function}(verifier: Verifies, bench: Bench, check: Check) -> None:
    """The system gets a good document. It must accept it: change this text and the body into your own case.

    Arguments are fixtures (conformance/fixtures.py): verifier, documents, certificates, frames, client and more.
    """
    document = bench.documents.good_professional
    check.show("document", document, "application/xml")
    answer = verifier.verify(document, bench.trust_now())
    check.that("{id}", answer.accepted, "The system refused a good document.", found="; ".join(answer.reasons))
'''

_REQUIREMENT = """\
{id}:
  text: {text}
  source: our own rule
  grade: confirmed
  basis: choice                     # a choice warns; norm with a confirmed source may fail
  actor: {{classes: [A2, A3], roles: [reader]}}
  level: must
  phase: {phase_value}
  advice: Say here what to change.
"""

_MUTANTS = '''"""Broken systems that prove the private cases: the reference system with one small fault each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.sut.facets import Answer, Facet, Trust
from conformance.sut.mutants.model import Mutant
from conformance.sut.reference import Reference

MUTANTS: list[Mutant] = []
'''

_MUTANT = '''

class {klass}:
    """Refuses every document: put the fault here that your case is to catch."""

    def verify(self, document: bytes, trust: Trust) -> Answer:
        return Answer(False, ("no",))


def {function}_fault(reference: Reference) -> Mapping[str, Any]:
    return {{"verifier": {klass}()}}


MUTANTS.append(Mutant("{mutant}", "What is wrong with it", Facet.VERIFIER, {function}_fault))
'''

_TEST = '''"""The private case {id} passes the reference system and catches its mutant."""

from __future__ import annotations

from pathlib import Path

from conformance.extending import Extension
from conformance.proving import prove


def test_the_case_passes_the_right_system_and_catches_the_broken_one() -> None:
    assert prove(Extension.load(Path(__file__).parent), "{id}") == []
'''


@dataclass(frozen=True)
class NewCase:
    """What a new case is called and where it belongs."""

    id: str
    title: str
    area: Area
    phase: Phase


def scaffold(case: NewCase, directory: Path) -> list[Path]:
    """Write the files of a new case into a folder of private cases; mutants join those that are there.

    Raises:
        Misuse: the id is not dotted words, is taken, or its files are there already.
    """
    if not _ID.fullmatch(case.id):
        raise Misuse(f"{case.id!r} is no id of a case.", advice="Use lower-case words and dots: own.first-rule.")
    if any(known.id == case.id for known in catalogue()) or case.id in register(None):
        raise Misuse(f"The suite has {case.id} already.", advice="Begin the id with a word of your own.")
    function = re.sub(r"[.-]", "_", case.id)
    title = " ".join(case.title.replace("\\", "/").replace('"', "'").split())
    values = {
        "id": case.id,
        "title": title,
        "text": json.dumps(f"{title}.", ensure_ascii=False),  # YAML reads it as it stands, whatever is in the title
        "area": case.area.name,
        "phase": case.phase.name,
        "phase_value": str(case.phase),
        "function": function,
        "klass": "".join(word.title() for word in function.split("_")),
        "mutant": f"{function.replace('_', '-')}-broken",
    }
    files = {
        directory / f"case_{function}.py": _CASE,
        directory / f"{function}.yaml": _REQUIREMENT,
        directory / f"test_{function}.py": _TEST,
    }
    for path in files:
        if path.exists():
            raise Misuse(f"The file {path} is there already.", advice="Choose another id, or take the file away.")
    mutants = directory / "mutants.py"
    before = mutants.read_text(encoding="utf-8") if mutants.exists() else _MUTANTS
    for path, text in files.items():
        write_atomically(path, text.format(**values).encode())
    write_atomically(mutants, (before + _MUTANT.format(**values)).encode())
    return [*files, mutants]
