"""The content of a nonXMLBody, decoded."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import msgspec
import pybase64
from lxml import etree

from sotepki.documents.vocabulary import finland, hl7
from sotepki.errors import Refused
from sotepki.xmldsig import parse

TEXT_ELEMENT, JSON_ELEMENT = hl7("text"), finland("json")


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
    return content_of(body, decoded_parts(body))


@dataclass(frozen=True)
class EncodedPart:
    """The base64 text of an element as it is written, and the bytes that it stands for."""

    written: bytes
    octets: bytes


def decoded_parts(body: etree._Element) -> dict[etree._Element, EncodedPart]:
    """The encoded children of a nonXMLBody; those that are not base64 are left out."""
    parts: dict[etree._Element, EncodedPart] = {}
    for part in body.iterchildren(TEXT_ELEMENT, JSON_ELEMENT):
        written = (part.text or "").encode()
        with suppress(Refused):
            parts[part] = EncodedPart(written, decoded_text(part, written))
    return parts


def content_of(body: etree._Element, decoded: Mapping[etree._Element, EncodedPart]) -> BodyContent:
    """The content of a nonXMLBody whose parts have been decoded.

    Raises:
        Refused: ``doc.content``.
    """
    text, structured = _parts(body, decoded)
    return BodyContent(
        text.get("mediaType") or "",
        decoded[text].octets,
        None if structured is None else _json(decoded[structured].octets),
    )


def check_content(body: etree._Element, decoded: Mapping[etree._Element, EncodedPart]) -> None:
    """As ``content_of``, for callers that do not need the content.

    Raises:
        Refused: ``doc.content``.
    """
    _, structured = _parts(body, decoded)
    if structured is not None and not _plain_json(decoded[structured].octets):
        _json(decoded[structured].octets)


def _parts(
    body: etree._Element, decoded: Mapping[etree._Element, EncodedPart]
) -> tuple[etree._Element, etree._Element | None]:
    text, structured = body.find(TEXT_ELEMENT), body.find(JSON_ELEMENT)
    if text is None:
        raise Refused("The body has no text.", rule="doc.content")
    if text.get("representation") != "B64":
        raise Refused("The body's text is not marked with representation B64.", rule="doc.content")
    for name, part in (("text", text), ("json", structured)):
        if part is not None and part not in decoded:
            raise Refused(f"The body's {name} is not base64 text.", rule="doc.content")
    return text, structured


def verified_body(octets: bytes) -> BodyContent:
    """Decode the body from the octets that were signed.

    Raises:
        Refused: ``doc.content``.
    """
    return read_body(parse(octets))


def _plain_json(data: bytes) -> bool:
    """Whether ``data`` is JSON in UTF-8; of nearly all documents that is told without building what it says.

    The odd ones, with lone surrogates or deep nesting, are left to ``_json``.
    """
    try:
        data.decode("utf-8")
        msgspec.json.decode(data, type=msgspec.Raw)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return True


def _json(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Refused("The body's json is not JSON in UTF-8.", rule="doc.content") from None


def decoded_text(element: etree._Element, written: bytes) -> bytes:
    """What an element holds in base64; ``written`` is its text.

    Raises:
        Refused: ``doc.content``: it holds something else, or nothing.
    """
    if len(element) or not written:
        raise Refused("The element is not base64 text.", rule="doc.content")
    try:
        # Mostly there is no white space in it, and looking for some costs as much as decoding.
        octets: bytes = pybase64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        octets = _with_white_space(written)
    if not octets:
        raise Refused("The element is empty.", rule="doc.content")
    return octets


def _with_white_space(written: bytes) -> bytes:
    try:
        return pybase64.b64decode(b"".join(written.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("The element is not base64 text.", rule="doc.content") from None
