"""Facts and rules that Vartti works with: ``offices.yaml``, ``rules_offices.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from cryptography import x509

from sotepki.errors import Fault
from sotepki.evidence import RuleBook, expect_keys, load_yaml
from sotepki.resources import package_file


@dataclass(frozen=True)
class OfficeData:
    """The content of ``offices.yaml``; every field is documented there with its source."""

    identity_documents: Mapping[str, frozenset[str]]
    documents_without_validity: frozenset[str]
    closing_reasons: Mapping[str, x509.ReasonFlags]
    spoiled_reason: x509.ReasonFlags
    dual_professions: Mapping[str, str]
    renewal_window_months: int
    card_number_start: int

    def accepts_document(self, kind: str, country: str) -> bool:
        """Whether a document of ``kind`` issued in ``country`` (ISO 3166 alpha-2) proves identity."""
        countries = self.identity_documents.get(kind, frozenset())
        return "*" in countries or country.upper() in countries

    def profession_of(self, title_fi: str) -> str:
        """``dentist``, ``physician`` or an empty text, by the end of the Finnish title."""
        for profession, ending in self.dual_professions.items():
            if title_fi.lower().endswith(ending):
                return profession
        return ""


@cache
def office_data() -> OfficeData:
    """The data file, read once; an unknown or missing key or reason is a ``Fault``."""
    raw = load_yaml(package_file("dvv", "offices.yaml"))
    names = {field.name for field in fields(OfficeData)}
    expect_keys(raw, names, "offices.yaml")
    return OfficeData(
        identity_documents={str(kind): _texts(countries) for kind, countries in raw["identity_documents"].items()},
        documents_without_validity=_texts(raw["documents_without_validity"]),
        closing_reasons=_reasons(raw["closing_reasons"]),
        spoiled_reason=_reason(raw["spoiled_reason"]),
        dual_professions={str(key): str(value) for key, value in raw["dual_professions"].items()},
        renewal_window_months=int(raw["renewal_window_months"]),
        card_number_start=int(raw["card_number_start"]),
    )


@cache
def office_rules() -> RuleBook:
    """The rule book of Vartti and of registrars at work."""
    return RuleBook.load(package_file("dvv", "rules_offices.yaml"))


def _texts(values: Any) -> frozenset[str]:
    return frozenset(str(value) for value in values)


def _reasons(row: Mapping[Any, Any]) -> dict[str, x509.ReasonFlags]:
    return {str(name): _reason(reason) for name, reason in row.items()}


def _reason(name: Any) -> x509.ReasonFlags:
    try:
        return x509.ReasonFlags(str(name))
    except ValueError:
        raise Fault(
            f"offices.yaml names the revocation reason {name!r}, which RFC 5280 5.3.1 does not have."
        ) from None
