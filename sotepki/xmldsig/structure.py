"""Reading a ds:Signature element strictly: what is not known is not skipped, it is refused."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from sotepki.errors import Refused
from sotepki.xmldsig.algorithms import ENVELOPED, EXCLUSIVE, INCLUSIVE

DS = "http://www.w3.org/2000/09/xmldsig#"
_D = "{" + DS + "}"
_SIGNED_INFO = _D + "SignedInfo"
_SIGNATURE_VALUE = _D + "SignatureValue"
_KEY_INFO = _D + "KeyInfo"
_CANONICALIZATION_METHOD = _D + "CanonicalizationMethod"
_SIGNATURE_METHOD = _D + "SignatureMethod"
_REFERENCE = _D + "Reference"
_TRANSFORMS = _D + "Transforms"
_TRANSFORM = _D + "Transform"
_DIGEST_METHOD = _D + "DigestMethod"
_DIGEST_VALUE = _D + "DigestValue"
_X509_DATA = _D + "X509Data"
_X509_CERTIFICATE = _D + "X509Certificate"
_XPATH = _D + "XPath"
_INCLUSIVE_NAMESPACES = "{" + EXCLUSIVE + "}InclusiveNamespaces"

XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
"""The XPath transform; read in the one form of ``ElementFilter``."""
_FILTER = re.compile(r"\s*ancestor-or-self::([A-Za-z_][A-Za-z0-9_.-]*):([A-Za-z_][A-Za-z0-9_.-]*)\s*", re.ASCII)

MAX_REFERENCES = 16
MAX_DIGEST = 128
"""Octets of a DigestValue: twice SHA-512's, so that one in hexadecimal digits is still compared, and explained."""
_WHITE = " \t\r\n"


@dataclass(frozen=True)
class CanonicalisationStep:
    """A canonicalisation by its identifier, with the PrefixList if one is given."""

    uri: str
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ElementFilter:
    """The XPath transform ``ancestor-or-self::p:local``: keep the element of one name with all that is in it.

    The prefix is bound by the ds:XPath node. Exclusive canonicalisation does not render that declaration, since no
    element uses it, so it is not signed: a verifier must demand the namespace that it expects (kanta.md 1).
    """

    namespace: str
    local: str

    @property
    def name(self) -> str:
        """The name in lxml's form."""
        return f"{{{self.namespace}}}{self.local}"


@dataclass(frozen=True)
class Reference:
    """One ds:Reference as written. ``canonicalisation`` is None if the transforms name none (then inclusive).

    ``element_filter`` is the XPath transform after the canonicalisation, None without one.
    """

    uri: str
    enveloped: bool
    canonicalisation: CanonicalisationStep | None
    digest_method: str
    digest_value: bytes
    element_filter: ElementFilter | None = None

    @property
    def canonicalised_by(self) -> CanonicalisationStep:
        """The canonicalisation that is used: inclusive if none is named (W3C XML Signature 1.1, 4.4.3.2)."""
        return self.canonicalisation or CanonicalisationStep(INCLUSIVE)


@dataclass(frozen=True, eq=False)
class SignatureParts:
    """A ds:Signature as written; the certificates are DER, in the order in which they stand."""

    signed_info: etree._Element
    canonicalisation: CanonicalisationStep
    signature_method: str
    references: tuple[Reference, ...]
    signature_value: bytes
    certificates: tuple[bytes, ...]


def read_signature(signature: etree._Element) -> SignatureParts:
    """Read a ds:Signature.

    Raises:
        Refused: ``dsig.structure``, ``dsig.form``, ``dsig.transform``, ``dsig.key-info``, ``dsig.certificate`` or
            ``dsig.reference.uri``.
    """
    children = _children(signature, "Signature")
    names = [child.tag for child in children]
    if names[:3] != [_SIGNED_INFO, _SIGNATURE_VALUE, _KEY_INFO]:
        raise _structure("ds:Signature does not begin with SignedInfo, SignatureValue and KeyInfo.")
    if len(children) > 3:
        raise _form(f"ds:Signature has {_short(children[3])} after KeyInfo.")
    signed_info, value, key_info = children
    parts = _children(signed_info, "SignedInfo")
    if len(parts) < 3 or [p.tag for p in parts[:2]] != [_CANONICALIZATION_METHOD, _SIGNATURE_METHOD]:
        raise _structure("ds:SignedInfo lacks CanonicalizationMethod, SignatureMethod or Reference.")
    if any(part.tag != _REFERENCE for part in parts[2:]):
        raise _structure("ds:SignedInfo has a child that is not of its schema.")
    if len(parts) - 2 > MAX_REFERENCES:
        raise _structure(f"ds:SignedInfo has more than {MAX_REFERENCES} references.")
    if len(parts[1]):
        raise _form("ds:SignatureMethod has parameters.")
    return SignatureParts(
        signed_info=signed_info,
        canonicalisation=_canonicalisation(parts[0]),
        signature_method=_algorithm(parts[1]),
        references=tuple(_reference(part) for part in parts[2:]),
        signature_value=_base64(value),
        certificates=_certificates(key_info),
    )


def _reference(reference: etree._Element) -> Reference:
    children = _children(reference, "Reference")
    transforms: Sequence[etree._Element] = ()
    if children and children[0].tag == _TRANSFORMS:
        transforms = _children(children[0], "Transforms")
        children = children[1:]
    if [child.tag for child in children] != [_DIGEST_METHOD, _DIGEST_VALUE]:
        raise _structure("ds:Reference lacks DigestMethod or DigestValue, or has more.")
    uri = reference.get("URI")
    if uri is None:
        raise Refused("A ds:Reference has no URI.", rule="dsig.reference.uri")
    if reference.get("Type") is not None:
        raise _form("ds:Reference has a Type.")
    enveloped, canonicalisation, element_filter = _transforms(transforms)
    method, value = _algorithm(children[0]), _base64(children[1])
    if len(value) > MAX_DIGEST:
        raise _structure(f"ds:DigestValue has {len(value)} octets, while the longest digest, SHA-512, has 64.")
    if len(children[0]):
        raise _form("ds:DigestMethod has parameters.")
    return Reference(uri, enveloped, canonicalisation, method, value, element_filter)


def _transforms(
    transforms: Sequence[etree._Element],
) -> tuple[bool, CanonicalisationStep | None, ElementFilter | None]:
    if any(transform.tag != _TRANSFORM for transform in transforms):
        raise _structure("ds:Transforms has a child that is not ds:Transform.")
    steps = list(transforms)
    enveloped = bool(steps) and steps[0].get("Algorithm") == ENVELOPED
    if enveloped and len(steps.pop(0)):
        raise _structure("The enveloped-signature transform has parameters.")
    element_filter = None
    if not enveloped and [step.get("Algorithm") for step in steps] == [EXCLUSIVE, XPATH]:
        element_filter = _element_filter(steps.pop())
    if len(steps) > 1 or any(step.get("Algorithm") == ENVELOPED for step in steps):
        names = ", ".join(str(transform.get("Algorithm"))[:80] for transform in transforms)
        raise Refused(f"The transforms {names} are not read in this order or number.", rule="dsig.transform")
    return enveloped, _canonicalisation(steps[0]) if steps else None, element_filter


def _element_filter(transform: etree._Element) -> ElementFilter:
    children = _children(transform, "Transform")
    if len(children) != 1 or children[0].tag != _XPATH or len(children[0]) or children[0].attrib:
        raise Refused("The XPath transform has more or less than one plain XPath.", rule="dsig.transform")
    match = _FILTER.fullmatch(children[0].text or "")
    namespace = children[0].nsmap.get(match[1]) if match else None
    if match is None or namespace is None:
        raise Refused(
            f"The XPath {(children[0].text or '').strip()[:80]!r} is not read.",
            rule="dsig.transform",
            advice="Write ancestor-or-self::hl7:structuredBody, with hl7 declared on ds:XPath.",
        )
    return ElementFilter(namespace, match[2])


def _canonicalisation(method: etree._Element) -> CanonicalisationStep:
    uri = _algorithm(method)
    children = _children(method, "CanonicalizationMethod or Transform")
    if not children:
        return CanonicalisationStep(uri)
    if uri != EXCLUSIVE or len(children) != 1 or children[0].tag != _INCLUSIVE_NAMESPACES or len(children[0]):
        raise Refused(f"The transform {uri[:80]} has parameters that are not read.", rule="dsig.transform")
    prefixes = (children[0].get("PrefixList") or "").split()
    return CanonicalisationStep(uri, tuple(prefixes))


def _certificates(key_info: etree._Element) -> tuple[bytes, ...]:
    data = _children(key_info, "KeyInfo")
    if [child.tag for child in data] != [_X509_DATA]:
        what = ", ".join(_short(child) for child in data) or "nothing"
        raise Refused(f"ds:KeyInfo holds {what} instead of one X509Data.", rule="dsig.key-info")
    certificates = _children(data[0], "X509Data")
    if not certificates or any(child.tag != _X509_CERTIFICATE for child in certificates):
        what = ", ".join(_short(child) for child in certificates) or "nothing"
        raise Refused(f"ds:X509Data holds {what} instead of X509Certificate.", rule="dsig.key-info")
    return tuple(_base64(child) for child in certificates)


def _children(element: etree._Element, name: str) -> list[etree._Element]:
    """The child elements; any other content but white space is refused."""
    children = list(element)
    text = element.text
    for child in children:
        if not isinstance(child.tag, str):
            # The schema has no word on them, and canonicalisation keeps them: open, not broken.
            raise _form(f"ds:{name} has a processing instruction among its children.")
        tail = child.tail
        if tail:
            text = (text or "") + tail
    if text and text.strip(_WHITE):
        raise _structure(f"ds:{name} has text where only elements may stand.")
    return children


def _algorithm(element: etree._Element) -> str:
    algorithm = element.get("Algorithm")
    if not algorithm:
        raise _structure(f"{_short(element)} has no Algorithm.")
    return algorithm


def _base64(element: etree._Element) -> bytes:
    if len(element):
        raise _structure(f"{_short(element)} has children.")
    text = element.text or ""
    if not text.isascii():
        raise _structure(f"{_short(element)} is not base64.")
    try:
        value = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise _structure(f"{_short(element)} is not base64.") from None
    if not value:
        raise _structure(f"{_short(element)} is empty.")
    return value


def _short(element: etree._Element) -> str:
    name = etree.QName(element)
    return f"{'ds:' if name.namespace == DS else ''}{name.localname[:60]}"


def _structure(sentence: str) -> Refused:
    return Refused(sentence, rule="dsig.structure", advice="Write the signature by the schema of XML Signature 1.1.")


def _form(sentence: str) -> Refused:
    return Refused(sentence, rule="dsig.form", advice="Write the signature in the plain form of the specimens.")
