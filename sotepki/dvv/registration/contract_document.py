"""The text of a contract, from data; its bytes are what the card signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any

from sotepki.clock import written_day
from sotepki.errors import Fault
from sotepki.evidence import load_yaml, refuse_unknown_keys
from sotepki.registers import Organisation
from sotepki.resources import package_file

LANGUAGES = ("fi", "sv", "en")


def contract_document(
    *,
    number: str,
    kind: str,
    organisation: Organisation,
    language: str,
    day: date,
    details: Mapping[str, str],
    point: str,
    serves_all: bool,
) -> bytes:
    """The contract in one of the languages, UTF-8."""
    texts = _texts()
    duties = str(texts["duties"][kind][language]).format(point=point)
    if serves_all:
        duties += f"\n{texts['serves_all'][language]}"
    text = str(texts[language]).format(
        number=number,
        title=texts["titles"][kind][language],
        organisation=organisation.name,
        oid=organisation.oid,
        business_id=organisation.business_id,
        day=written_day(day, language),
        duties=duties,
        delivery_address=details.get("delivery-address", ""),
        contact=details.get("contact", ""),
    )
    return text.encode()


@cache
def _texts() -> Mapping[str, Any]:
    raw: dict[str, Any] = load_yaml(package_file("dvv", "registration", "contract_texts.yaml"))
    keys = {*LANGUAGES, "titles", "duties", "serves_all"}
    refuse_unknown_keys(raw, keys, "contract_texts.yaml")
    if keys - set(raw):
        raise Fault(f"contract_texts.yaml lacks {', '.join(sorted(keys - set(raw)))}.")
    return raw
