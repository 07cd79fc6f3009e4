"""The loaders of the national data: a typo, a missing line or a row of the wrong kind is said, never worked with.

Who adapts a file (other tasks, another form of the attribute service, other settings) must not find out in joint
testing that a misspelt line was passed over in silence.
"""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sotepki.errors import Fault

Place = tuple[str | int, ...]
Edit = Callable[[Any], Any]

# Module, the function that reads, and the rows of its file that are tried; () is the whole file.
LOADERS: list[tuple[str, str, list[Place]]] = [
    (
        "sotepki.dvv.vartti.data",
        "vartti_data",
        [
            (),
            ("kinds", "personnel"),
            ("photo",),
            ("reminders", "last-month"),
            ("policies", "revoke-on-removal"),
            ("challenge",),
            ("lookup",),
            ("lookup", "errors", "issuer"),
        ],
    ),
    ("sotepki.dvv.office_data", "office_data", [()]),
    ("sotepki.dvv.vartti.card_certification", "card_certifications", [("professional",)]),
    ("sotepki.dvv.vartti.test_cards", "_identities", [()]),
    ("sotepki.dvv.registration.data", "registration_data", [(), ("contracts", "authorisation")]),
    ("sotepki.dvv.registration.contract_document", "_texts", [()]),
    ("sotepki.dvv.registration.course_exam", "course_data", [()]),
    ("sotepki.dvv.service_certificates.data", "service_data", [(), ("kinds", "server")]),
    (
        "sotepki.dvv.authority.plan",
        "load_plan",
        [(), ("authorities", "root"), ("authorities", "root", "crl"), ("responders",), ("crl",)],
    ),
    ("sotepki.dvv.authority.reasons", "load_reasons", [("not-needed",)]),
    ("sotepki.kela.settings", "load_settings", [(), ("receiver",)]),
    ("sotepki.kela.joint_testing_data", "change_kinds", [("urgent-fix",)]),
    ("sotepki.thl.steering", "_data", [(), ("documents", "THL-4/2024"), ("requirements", "TEST-R-02")]),
    ("sotepki.thl.valveri", "delay", [("delay_hours",)]),
    ("sotepki.valvira.authority", "_names", [("names", 0)]),
    ("sotepki.valvira.attribute_interface", "AttributeInterface.load", [(), ("path",)]),
    ("sotepki.valvira.supervision.data", "supervision_data", [(), ("classes", "A2")]),
    (
        "sotepki.scs.settings",
        "load_settings",
        [(), ("versions", "1.1")],
    ),
    ("sotepki.scs.settings", "quirks", [("quirks", "leaf-only"), ("quirks", "leaf-only", "set")]),
    ("sotepki.scs.settings", "ports", [("ports",)]),
    ("sotepki.card.kinds", "card_kinds", [("citizen",), ("citizen", "pin2"), ("citizen", "tries")]),
    ("sotepki.card.kinds", "card_layout", [(), ("signature",)]),
    (
        "sotepki.card.operating.profiles",
        "card_profiles",
        [
            (),
            ("numberings", "organisation"),
            ("numberings", "organisation", "pins"),
            ("numberings", "organisation", "keys"),
            ("numberings", "organisation", "key_reference"),
            ("profiles", "authentic"),
        ],
    ),
    ("sotepki.card.operating.profiles", "_languages", [("sv",)]),
    ("sotepki.provider.task_list", "tasks", [("prescribing",)]),
    ("sotepki.provider.join_lists", "join_data", [(), ("lists", "pharmacy")]),
    (
        "sotepki.provider.plans.data",
        "plan_kinds",
        [("self-monitoring",), ("self-monitoring", "parts", "risks")],
    ),
    ("sotepki.documents.multi_signing", "middlewares", [("kelain",)]),
    ("sotepki.documents.diagnosis.accidents", "accidents", [("whitespace.indented",)]),
    (
        "sotepki.documents.family",
        "families",
        [
            (),
            ("header",),
            ("carrier",),
            ("body",),
            ("frame",),
            ("references", 0),
            ("signatures", 0),
            ("kinds", 0),
        ],
    ),
    ("sotepki.documents.family", "algorithm_rules", [(), ("digests", 0)]),
    ("sotepki.documents.corpus.catalogue", "catalogue", [("valid.system",)]),
    (
        "sotepki.documents.corpus.libraries",
        "libraries",
        [(), ("groups",), ("libraries", "xmlsec1"), ("reasons", "coverage")],
    ),
    ("sotepki.documents.building", "document_kinds", [("client-plan",)]),
    (
        "sotepki.documents.building_health",
        "_patient_record_kinds",
        [("visit-note",), ("visit-note", "sections", 0)],
    ),
    (
        "sotepki.documents.building_health",
        "_prescription_kinds",
        [(), ("kinds", "dispensing"), ("medicines", "ramipril")],
    ),
    ("sotepki.x509.describing", "_meanings", [()]),
    ("sotepki.x509.second_opinion", "load_merging", [(), ("superseded", "pkix.certificate_version_is_not_v3")]),
    (
        "sotepki.x509.defects.catalogue",
        "load_defects",
        [("good-signature",), ("good-signature", "path"), ("good-revoked-later", "path")],
    ),
    ("sotepki.x509.defects.validators", "load_validators", [("gnutls",), ("gnutls", "views", 0)]),
    ("sotepki.kela.settings", "load_environments", [("next",), ("next", "settings")]),
    ("conformance.requirements", "requirements", [("time.own-clock",), ("time.own-clock", "actor")]),
    ("sotepki.xmldsig.algorithms", "load_algorithms", [(), ("digests", 0), ("signatures", 0)]),
    ("conformance.process", "process", [(), ("closed",)]),
]
EVERY = [(module, name, place) for module, name, places in LOADERS for place in places]
every_row = pytest.mark.parametrize(
    ("module", "name", "place"),
    EVERY,
    ids=[f"{m.removeprefix('sotepki.')}:{'.'.join(map(str, p))}" for m, _, p in EVERY],
)


def _forget(module: Any) -> None:
    for value in vars(module).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str, Place, Edit], Any]]:
    """Read a file of data as if the row at a place had been edited."""
    touched = []

    def read(module_name: str, name: str, place: Place, edit: Edit) -> Any:
        module = importlib.import_module(module_name)
        touched.append(module)
        real = module.__dict__.setdefault("_real_load_yaml", module.load_yaml)

        def edited(path: Path) -> Any:
            whole: Any = {"": copy.deepcopy(real(path))}
            holder, steps = whole, ("", *place)
            for step in steps[:-1]:
                if isinstance(step, str) and step not in holder:
                    return whole[""]  # the row is in another file that this loader reads
                holder = holder[step]
            if not isinstance(steps[-1], str) or steps[-1] in holder:
                holder[steps[-1]] = edit(holder[steps[-1]])
            return whole[""]

        monkeypatch.setattr(module, "load_yaml", edited)
        _forget(module)
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part)
        return found()

    yield read
    monkeypatch.undo()
    for module in touched:
        module.__dict__.pop("_real_load_yaml", None)
        _forget(module)


@every_row
def test_a_misspelt_line_is_named(
    reads: Callable[[str, str, Place, Edit], Any], module: str, name: str, place: Place
) -> None:
    with pytest.raises(Fault, match=r"mispelt|must have value, grade and source"):
        reads(module, name, place, lambda row: {**row, "mispelt": "x"})


@every_row
def test_a_missing_line_is_said_where_it_is_needed(
    reads: Callable[[str, str, Place, Edit], Any], module: str, name: str, place: Place
) -> None:
    """Either the line has a default, or the file is refused; a traceback helps nobody."""
    keys: list[Any] = []

    def look(row: Any) -> Any:
        keys.extend(row)
        return row

    reads(module, name, place, look)
    assert keys
    for left_out in keys:
        with suppress(Fault):
            reads(module, name, place, lambda row, gone=left_out: {key: row[key] for key in row if key != gone})  # type: ignore[misc]


@every_row
@pytest.mark.parametrize("instead", ["x", None, 7, ["x"]], ids=repr)
def test_a_row_of_another_kind_is_refused(
    reads: Callable[[str, str, Place, Edit], Any], module: str, name: str, place: Place, instead: object
) -> None:
    with pytest.raises(Fault):
        reads(module, name, place, lambda row: instead)


UNKNOWN_WORDS = (
    "grade",
    "basis",
    "reason",
    "key",
    "csr",
    "use",
    "holders",
    "counted_to",
    "level",
    "phase",
    "challenge",
)


@every_row
def test_a_word_that_the_field_does_not_have_is_refused(
    reads: Callable[[str, str, Place, Edit], Any], module: str, name: str, place: Place
) -> None:
    """A grade or a reason code with a slip in it must not become one more kind of grade."""
    keys: list[str] = []

    def look(row: Any) -> Any:
        keys.extend(key for key in UNKNOWN_WORDS if key in row and re.fullmatch(r"[\w-]+", str(row[key])))
        return row

    reads(module, name, place, look)
    for slipped in keys:
        with pytest.raises(Fault):
            reads(module, name, place, lambda row, key=slipped: {**row, key: "slipped"})  # type: ignore[misc]
