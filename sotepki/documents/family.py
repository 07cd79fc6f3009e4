"""Document families as data: where the signature stands, what it covers, who signs with which certificate.

The files are ``families/*.yaml``; every row has a source and a grade (docs/field/kanta.md 3). Signer and verifier
read the same data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from lxml import etree

from sotepki.documents.vocabulary import SignatureKind, finland, hl7
from sotepki.errors import Fault, Misuse
from sotepki.evidence import Grade, expect_keys, grade_of, load_yaml, refuse_unknown_keys
from sotepki.resources import package_file


class Holder(StrEnum):
    """Whose certificate signs: what the subject's serialNumber has to agree with."""

    AUTHOR = "author"
    CUSTODIAN = "custodian"
    AUTHOR_ORGANISATION = "author-organisation"
    KELA = "kela"


class BodyReference(StrEnum):
    """How a signature refers to the body: by its ID attribute, or by the one XPath filter that is known."""

    ID = "id"
    XPATH = "xpath"


class BodyForm(StrEnum):
    """What a body holds: base64 of XHTML and JSON, or CDA sections."""

    ENCODED = "encoded"
    STRUCTURED = "structured"


@dataclass(frozen=True)
class Place:
    """An element by its path below ClinicalDocument, as names in lxml's form."""

    path: tuple[str, ...]
    source: str
    grade: Grade

    @property
    def name(self) -> str:
        """The local name of the element."""
        return self.path[-1].rpartition("}")[2]


@dataclass(frozen=True)
class Body(Place):
    """The body. ``identified`` tells whether ``@ID`` = ``OID`` + document id is required."""

    content: BodyForm
    identified: bool


@dataclass(frozen=True)
class Metadata:
    """What the header tells of the document. Elements bear their names in lxml's form.

    Attributes:
        required: elements of the family's header that a document has.
        code_systems: of elements that stand there or in ClinicalDocument itself.
    """

    required: tuple[str, ...]
    code_systems: Mapping[str, str]
    source: str
    grade: Grade


@dataclass(frozen=True)
class ReferenceForm:
    """One way to refer to the body; ``expression`` is that of the XPath filter."""

    form: BodyReference
    expression: str
    source: str
    grade: Grade


@dataclass(frozen=True)
class SignatureRule:
    """Who makes signatures of one kind. ``profiles`` are certificate profiles; ``block``: with the metadata block."""

    kind: SignatureKind
    holder: Holder
    key_usage: frozenset[str]
    profiles: tuple[str, ...]
    block: bool
    source: str
    grade: Grade


@dataclass(frozen=True)
class KindRule:
    """A kind of document: its type code in the family's code system, its author's role, and who may sign it.

    ``replaces``: a document of this kind stands in the place of an earlier one (relatedDocument RPLC).
    ``prescriber``: a professional who signs it needs the prescriber's identifier in the certificate.
    """

    id: str
    code: str
    role: str
    replaces: bool
    prescriber: bool
    signers: tuple[SignatureKind, ...]
    source: str
    grade: Grade


@dataclass(frozen=True)
class FrameRule:
    """The message frame of a family: interaction, others that carry such documents, known service requests."""

    interaction: str
    others: tuple[str, ...]
    requests: tuple[str, ...]
    source: str
    grade: Grade


@dataclass(frozen=True)
class NamedAlgorithm:
    """An algorithm by its identifier, with what is known of its use in the field."""

    uri: str
    source: str
    grade: Grade


@dataclass(frozen=True)
class AlgorithmRules:
    """What documents are signed with, in order of preference."""

    canonicalisations: tuple[NamedAlgorithm, ...]
    digests: tuple[NamedAlgorithm, ...]
    signature_methods: tuple[NamedAlgorithm, ...]


@dataclass(frozen=True)
class Family:
    """A family of documents.

    ``type_system``: code system of ``ClinicalDocument/code`` by which it is recognised. ``metadata`` is None where
    nothing is known of it.
    """

    id: str
    title: str
    type_system: str
    header: Place
    carrier: Place
    body: Body
    metadata: Metadata | None
    references: tuple[ReferenceForm, ...]
    signatures: Mapping[SignatureKind, SignatureRule]
    frame: FrameRule
    kinds: Mapping[str, KindRule]
    source: str
    grade: Grade

    def reference(self, form: BodyReference | None = None) -> ReferenceForm:
        """The reference of this form; without one the family's usual form.

        Raises:
            Misuse: the family has no such form.
        """
        for reference in self.references:
            if form in (None, reference.form):
                return reference
        raise Misuse(f"The body of a {self.title.lower()} is not referred to by {form}.")

    def kind_of_code(self, code: str, system: str) -> KindRule | None:
        """The kind with this document type code; None if the code is another or of another code system."""
        if not self.type_system or system != self.type_system:
            return None
        return next((kind for kind in self.kinds.values() if kind.code == code), None)


@cache
def families() -> Mapping[str, Family]:
    """All families by id.

    Raises:
        Fault: a data file is not well formed.
    """
    directory = package_file("documents", "families")
    paths = sorted(path for path in directory.glob("*.yaml") if path.name != _ALGORITHMS)
    return {path.stem: _read(path) for path in paths}


def family(family_id: str) -> Family:
    """The family with this id.

    Raises:
        Misuse: there is none.
    """
    if family_id not in families():
        raise Misuse(f"There is no family of documents {family_id!r}; known are {', '.join(families())}.")
    return families()[family_id]


def family_of(header: etree._Element, code: etree._Element | None) -> Family | None:
    """The family of a ClinicalDocument: by its header element, and by the code system of its type if several families
    have that header.
    """
    candidates = families_by_header().get(str(header.tag), ())
    if len(candidates) == 1:
        return candidates[0]
    system = "" if code is None else code.get("codeSystem") or ""
    for known in candidates:
        if known.type_system and known.type_system == system:
            return known
    return next((known for known in candidates if not known.type_system), None)


@cache
def families_by_header() -> Mapping[str, tuple[Family, ...]]:
    """The families by the name of their header element below ClinicalDocument, in lxml's form."""
    headers = {known.header.path[0] for known in families().values()}
    return {
        header: tuple(known for known in families().values() if known.header.path[0] == header) for header in headers
    }


@cache
def body_names() -> frozenset[str]:
    """The names of all families' bodies, in lxml's form."""
    return frozenset(known.body.path[-1] for known in families().values())


@cache
def algorithm_rules() -> AlgorithmRules:
    """What is known of the algorithms of signatures in the field."""
    row = load_yaml(package_file("documents", "families", _ALGORITHMS))
    expect_keys(row, AlgorithmRules.__dataclass_fields__, _ALGORITHMS)
    return AlgorithmRules(**{name: _algorithms(row[name], f"{name} in {_ALGORITHMS}") for name in row})


_ALGORITHMS = "algorithms.yaml"
_NAMESPACES = {"hl7": hl7, "hl7fi": finland}


def _read(path: Path) -> Family:
    try:
        return _family(path.stem, load_yaml(path))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Fault(f"families/{path.name} is not well formed: {error}.") from error


def _family(family_id: str, row: dict[str, Any]) -> Family:
    where = f"families/{family_id}.yaml"
    refuse_unknown_keys(row, set(Family.__dataclass_fields__) - {"id"}, where)
    signatures = [_signature(entry, where) for entry in row["signatures"]]
    kinds = [_kind(entry, where) for entry in row["kinds"]]
    signing = {rule.kind for rule in signatures}
    for kind in kinds:
        if not signing.issuperset(kind.signers):
            raise Fault(f"The kind {kind.id} in {where} is signed by somebody who has no signature rule.")
    body = _checked(Body, {"content", "identifier", "path"}, row["body"], where)
    frame = _checked(FrameRule, set(), row["frame"], where)
    return Family(
        id=family_id,
        title=row["title"],
        type_system=row.get("type_system", ""),
        header=_place(row["header"], where),
        carrier=_place(row["carrier"], where),
        body=Body(
            _path(body["path"], where),
            body["source"],
            Grade(body["grade"]),
            BodyForm(body["content"]),
            body["identifier"] == "required",
        ),
        metadata=_metadata(row["metadata"], where) if "metadata" in row else None,
        references=tuple(_reference(entry, where) for entry in row["references"]),
        signatures=_by_key(signatures, [rule.kind for rule in signatures], where),
        frame=FrameRule(
            frame["interaction"],
            tuple(frame.get("others", ())),
            tuple(frame["requests"]),
            frame["source"],
            Grade(frame["grade"]),
        ),
        kinds=_by_key(kinds, [rule.id for rule in kinds], where),
        source=row["source"],
        grade=Grade(row["grade"]),
    )


def _checked(kind: Any, further: set[str], row: dict[str, Any], where: str) -> dict[str, Any]:
    refuse_unknown_keys(row, (set(kind.__dataclass_fields__) - {"identified"}) | further, where)
    return row


def _place(row: dict[str, Any], where: str) -> Place:
    refuse_unknown_keys(row, Place.__dataclass_fields__, where)
    return Place(_path(row["path"], where), row["source"], Grade(row["grade"]))


def _metadata(row: dict[str, Any], where: str) -> Metadata:
    expect_keys(row, Metadata.__dataclass_fields__, f"metadata in {where}")
    return Metadata(
        required=tuple(name for text in row["required"] for name in _path(text, where)),
        code_systems={name: system for text, system in row["code_systems"].items() for name in _path(text, where)},
        source=row["source"],
        grade=Grade(row["grade"]),
    )


def _path(text: str, where: str) -> tuple[str, ...]:
    steps: list[str] = []
    for step in text.split("/"):
        prefix, _, name = step.partition(":")
        if prefix not in _NAMESPACES or not name:
            raise Fault(f"The path {text} in {where} has a step without a known prefix.")
        steps.append(_NAMESPACES[prefix](name))
    return tuple(steps)


def _reference(row: dict[str, Any], where: str) -> ReferenceForm:
    refuse_unknown_keys(row, ReferenceForm.__dataclass_fields__, where)
    form = BodyReference(row["form"])
    expression = row.get("expression", "")
    if bool(expression) != (form is BodyReference.XPATH):
        raise Fault(f"A reference in {where} has an expression without XPath or the reverse.")
    return ReferenceForm(form, expression, row["source"], Grade(row["grade"]))


def _signature(row: dict[str, Any], where: str) -> SignatureRule:
    refuse_unknown_keys(row, SignatureRule.__dataclass_fields__, where)
    return SignatureRule(
        kind=SignatureKind(row["kind"]),
        holder=Holder(row["holder"]),
        key_usage=frozenset(row["key_usage"]),
        profiles=tuple(row["profiles"]),
        block=bool(row.get("block", False)),
        source=row["source"],
        grade=Grade(row["grade"]),
    )


def _kind(row: dict[str, Any], where: str) -> KindRule:
    refuse_unknown_keys(row, KindRule.__dataclass_fields__, where)
    return KindRule(
        id=row["id"],
        code=row.get("code", ""),
        role=row.get("role", ""),
        replaces=bool(row.get("replaces", False)),
        prescriber=bool(row.get("prescriber", False)),
        signers=tuple(SignatureKind(name) for name in row["signers"]),
        source=row["source"],
        grade=Grade(row["grade"]),
    )


def _algorithms(rows: list[dict[str, Any]], where: str) -> tuple[NamedAlgorithm, ...]:
    for row in rows:
        expect_keys(row, NamedAlgorithm.__dataclass_fields__, where)
    return tuple(NamedAlgorithm(row["uri"], row["source"], grade_of(row, where)) for row in rows)


K = TypeVar("K")
V = TypeVar("V")


def _by_key(rules: Sequence[V], keys: Sequence[K], where: str) -> dict[K, V]:
    table = dict(zip(keys, rules, strict=True))
    if len(table) != len(rules):
        raise Fault(f"An entry stands twice in {where}.")
    return table
