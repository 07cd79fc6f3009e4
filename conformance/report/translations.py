"""What is published of cases and requirements in Finnish and Swedish; the English stands with the cases themselves.

What has no translation, as a vendor's own case, is shown in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from conformance.requirements import Requirement, requirements
from sotepki.errors import Fault
from sotepki.evidence import load_yaml

OTHERS = ("fi", "sv")
"""The languages of the report besides English."""

_MESSAGES = Path(__file__).resolve().parent / "messages"

Texts = Mapping[str, str]
"""One text by language."""

_NONE: Texts = {}


@cache
def titles() -> Mapping[str, Texts]:
    """The titles of the suite's own cases, by id."""
    return _rows("titles")


@cache
def descriptions() -> Mapping[str, Texts]:
    """The descriptions of the suite's own cases, by id."""
    return _by_language("descriptions")


@cache
def reasons_not_tested() -> Mapping[str, Texts]:
    """Why no case verifies a requirement, by its id."""
    return _rows("not_tested")


@cache
def requirement_advice() -> Mapping[str, Texts]:
    """The advice of the suite's own requirements, by id."""
    return _by_language("advice")


def requirement_text(requirement: Requirement) -> Texts:
    """A requirement in the other languages. The Finnish stands with the requirement, private ones included."""
    finnish = {"fi": requirement.text_fi} if requirement.text_fi else {}
    return {**finnish, **_swedish_requirements().get(requirement.id, _NONE)}


def advice(sentence: str) -> Texts:
    """A piece of advice in the other languages, found by its English sentence; nothing if it is not known."""
    return _advice().get(sentence, _NONE)


@cache
def further_advice() -> Mapping[str, Texts]:
    """Advice that comes from a rule of the package, one of its checks or a case, by its English sentence."""
    rows = load_yaml(_MESSAGES / "further_advice.yaml")
    return {str(row["en"]): {code: str(row[code]) for code in OTHERS} for row in rows}


@cache
def _advice() -> Mapping[str, Texts]:
    own = {requirements()[name].advice: texts for name, texts in requirement_advice().items()}
    return {**further_advice(), **own}


@cache
def _swedish_requirements() -> Mapping[str, Texts]:
    return {name: {"sv": text} for name, text in _texts("requirement_texts", "sv").items()}


def _by_language(what: str) -> Mapping[str, Texts]:
    found: dict[str, dict[str, str]] = {}
    for code in OTHERS:
        for name, text in _texts(what, code).items():
            found.setdefault(name, {})[code] = text
    return found


def _texts(what: str, code: str) -> Texts:
    return {str(name): str(text) for name, text in _mapping(f"{what}.{code}.yaml").items()}


def _rows(what: str) -> Mapping[str, Texts]:
    rows = _mapping(f"{what}.yaml")
    return {str(name): {code: str(row[code]) for code in OTHERS} for name, row in rows.items()}


def _mapping(name: str) -> Mapping[Any, Any]:
    found = load_yaml(_MESSAGES / name)
    if not isinstance(found, dict):
        raise Fault(f"The file of translations {name} must be a mapping.")
    return found
