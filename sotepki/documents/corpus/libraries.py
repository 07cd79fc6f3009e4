"""What stock XML signature libraries say of the corpus, and why the index says otherwise (``libraries.yaml``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sotepki.documents.corpus.catalogue import Entry, Importance, catalogue
from sotepki.errors import Fault
from sotepki.evidence import Verdict, expect_keys, load_yaml
from sotepki.resources import package_file


class Whose(StrEnum):
    """Whose matter it is that a library judges otherwise."""

    YOURS = "yours"
    """No task of a signature library: the vendor's own code has to do it."""
    LIBRARY = "library"
    """A fault or laxity of the library."""
    LIMIT = "limit"
    """What the library does not do, or refuses on purpose."""
    OPEN = "open"
    """Left open by standards and field; the index does not call it valid."""


class Measured(StrEnum):
    """When the tests run a library on the corpus."""

    ALWAYS = "always"
    WHERE_PRESENT = "where-present"
    ON_DEMAND = "on-demand"


@dataclass(frozen=True)
class Library:
    """One library in its usual use.

    Attributes:
        version: with which it was measured.
        use: how it was called, one sentence without its end.
        beware: what goes wrong with a use that looks alike.
        otherwise: ids of the documents that it judges otherwise than the index, in the index's order.
        crashes: those of them on which it gives no verdict, but breaks down.
    """

    id: str
    name: str
    version: str
    measured: Measured
    use: str
    beware: str
    otherwise: tuple[str, ...]
    crashes: tuple[str, ...]

    def wrong(self, importance: Importance | None = None, group: str = "") -> tuple[Entry, ...]:
        """The documents that it judges otherwise, all or those of an importance or group."""
        entries = (catalogue()[document] for document in self.otherwise)
        return tuple(e for e in entries if importance in (None, e.importance) and group in ("", e.group))

    @property
    def takes(self) -> tuple[Entry, ...]:
        """What it calls valid and the index does not."""
        answered = (entry for entry in self.wrong() if entry.id not in self.crashes)
        return tuple(entry for entry in answered if entry.verdict is not Verdict.VALID)

    @property
    def refuses(self) -> tuple[Entry, ...]:
        """What the index calls valid and it does not."""
        answered = (entry for entry in self.wrong() if entry.id not in self.crashes)
        return tuple(entry for entry in answered if entry.verdict is Verdict.VALID)


@dataclass(frozen=True)
class Reason:
    """Why libraries judge these documents otherwise, and what the vendor's own code does about it."""

    id: str
    whose: Whose
    text: str
    documents: tuple[str, ...]


@dataclass(frozen=True)
class Libraries:
    """All libraries, all reasons, and one sentence for each group of the corpus."""

    libraries: Mapping[str, Library]
    reasons: Mapping[str, Reason]
    groups: Mapping[str, str]

    def reason(self, document: str) -> Reason:
        """The one reason of a document that some library judges otherwise."""
        return next(reason for reason in self.reasons.values() if document in reason.documents)


@cache
def libraries() -> Libraries:
    """The data of ``libraries.yaml``.

    Raises:
        Fault: a key, document or group is not known, a document that is judged otherwise has not exactly one reason,
            or a reason has a document that every library judges rightly.
    """
    path = package_file("documents", "corpus", "libraries.yaml")
    raw = load_yaml(path)
    expect_keys(raw, ("libraries", "reasons", "groups"), path.name)
    groups = {entry.group for entry in catalogue().values()}
    expect_keys(raw["groups"], groups, f"groups in {path.name}")
    read = Libraries(
        {name: _library(name, row, path.name) for name, row in raw["libraries"].items()},
        {name: _reason(name, row, path.name) for name, row in raw["reasons"].items()},
        {name: raw["groups"][name] for name in sorted(groups)},
    )
    given = [document for reason in read.reasons.values() for document in reason.documents]
    needed = {document for library in read.libraries.values() for document in library.otherwise}
    for document in sorted(needed | set(given)):
        if document not in needed or given.count(document) != 1:
            who = "some library judges" if document in needed else "no library judges"
            raise Fault(
                f"{document} stands under {given.count(document)} reasons in {path.name}, and {who} it otherwise.",
                advice="Give each document that a library judges otherwise one reason, and no other document any.",
            )
    return read


def _library(name: str, row: Any, where: str) -> Library:
    needed = ("name", "version", "measured", "use", "beware", "otherwise")
    expect_keys(row, needed, f"{name} in {where}", optional=("crashes",))
    otherwise = _documents(row["otherwise"], f"{name} in {where}")
    crashes = _documents(row.get("crashes", ()), f"the crashes of {name} in {where}")
    if not set(crashes) <= set(otherwise):
        raise Fault(f"A crash of {name} in {where} is no verdict, so it stands under `otherwise` too.")
    try:
        measured = Measured(row["measured"])
    except ValueError as error:
        raise Fault(f"{name} in {where} is not well formed: {error}.") from None
    return Library(name, row["name"], str(row["version"]), measured, row["use"], row["beware"], otherwise, crashes)


def _reason(name: str, row: Any, where: str) -> Reason:
    expect_keys(row, ("whose", "text", "documents"), f"{name} in {where}")
    try:
        whose = Whose(row["whose"])
    except ValueError as error:
        raise Fault(f"{name} in {where} is not well formed: {error}.") from None
    return Reason(name, whose, row["text"], _documents(row["documents"], f"{name} in {where}"))


def _documents(ids: Iterable[Any], where: str) -> tuple[str, ...]:
    given = tuple(str(one) for one in ids)
    unknown = [one for one in given if one not in catalogue()]
    if unknown:
        raise Fault(f"{where} names {unknown[0]}, which is no document of the corpus.")
    in_order = tuple(one for one in catalogue() if one in given)
    if in_order != given:
        raise Fault(f"The documents of {where} are not in the order of the index, each once: {', '.join(in_order)}.")
    return given
