"""The body's content, and personal identity codes anywhere in a document."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from sotepki.documents.vocabulary import HETU_ROOT, finland, hl7
from sotepki.errors import Refused
from sotepki.identifiers import Hetu
from sotepki.xmldsig import DS, parse

_HETU = re.compile(r"(?<![0-9A-Za-z])[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y](?![0-9A-Za-z])")


@dataclass(frozen=True)
class BodyContent:
    """What a nonXMLBody holds, decoded: the text for people, and the structured JSON (None if there is none)."""

    media_type: str
    text: bytes
    structured: Any


def read_body(body: etree._Element) -> BodyContent:
    """Decode a nonXMLBody.

    Raises:
        Refused: ``doc.content``.
    """
    text, structured = body.find(hl7("text")), body.find(finland("json"))
    if text is None:
        raise Refused("The body has no text.", rule="doc.content")
    if text.get("representation") != "B64":
        raise Refused("The body's text is not marked with representation B64.", rule="doc.content")
    decoded = None if structured is None else _json(_base64(structured, "json"))
    return BodyContent(text.get("mediaType") or "", _base64(text, "text"), decoded)


def verified_body(octets: bytes) -> BodyContent:
    """Decode the body from the octets that were signed.

    Raises:
        Refused: ``doc.content``.
    """
    return read_body(parse(octets))


def codes_in_document(root: etree._Element, body: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Every text that has the form of a hetu with a right check character, with the element where it stands.

    Reads attributes, texts, and the decoded body; certificates and signature values are left out.
    """
    encoded = [part for part in body if part.tag in _ENCODED]
    for element in root.iter("*"):
        if str(element.tag).startswith(f"{{{DS}}}") or element in encoded:
            values: tuple[object, ...] = (element.tail,)
        else:
            values = (element.text, element.tail, *element.attrib.values())
        for value in values:
            if value:
                for code in _codes(str(value)):
                    yield code, element
    for part in encoded:
        for text in _readable(part):
            for code in _codes(text):
                yield code, part


def malformed_client_codes(root: etree._Element) -> Iterator[tuple[Refused, etree._Element]]:
    """Ids that say they are personal identity codes and are none."""
    for element in root.iter("*"):
        if element.get("root") == HETU_ROOT and element.get("extension") is not None:
            try:
                Hetu.parse(element.get("extension") or "", test_only=False)
            except Refused as refusal:
                yield refusal, element


_ENCODED = frozenset({hl7("text"), finland("json")})


def _codes(text: str) -> Iterator[str]:
    for candidate in _HETU.findall(text):
        try:
            yield Hetu.parse(candidate, test_only=False).value
        except Refused:
            continue


def _readable(element: etree._Element) -> Iterator[str]:
    """The decoded text of an encoded element in every spelling that a reader would see."""
    try:
        text = _base64(element, "body").decode("utf-8", "replace")
    except Refused:
        yield element.text or ""
        return
    yield text
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text:
        try:
            yield json.dumps(json.loads(text), ensure_ascii=False)
        except (ValueError, RecursionError):
            return


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused("The body's json is not JSON in UTF-8.", rule="doc.content") from None


def _base64(element: etree._Element, what: str) -> bytes:
    text = "".join((element.text or "").split())
    if len(element) or not text or not text.isascii():
        raise Refused(f"The body's {what} is not base64 text.", rule="doc.content")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"The body's {what} is not base64 text.", rule="doc.content") from None
