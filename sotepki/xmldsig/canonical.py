"""Canonical XML of one element with all that is in it (W3C Exclusive XML Canonicalization 1.0, Canonical XML 1.0)."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import cast

from lxml import etree

from sotepki.errors import Refused
from sotepki.xmldsig.default_prefix import DEFAULT, rendered_with_default
from sotepki.xmldsig.parsing import reread

_XML = "{http://www.w3.org/XML/1998/namespace}"


def canonicalise(
    element: etree._Element,
    *,
    exclusive: bool = True,
    prefixes: Sequence[str] = (),
    without: etree._Element | None = None,
) -> bytes:
    """The canonical octets of ``element`` as it stands in its document, without comments.

    Args:
        exclusive: exclusive canonicalisation; else inclusive 1.0, with the namespaces and ``xml:`` attributes of
            the ancestors.
        prefixes: the InclusiveNamespaces PrefixList of exclusive canonicalisation (``#default`` for no prefix).
        without: a descendant that is left out (the enveloped-signature transform); ignored if it stands elsewhere.

    Raises:
        Refused: the element has no canonical form (``dsig.canonicalisation``).
    """
    return b"".join(canonical_pieces(element, exclusive=exclusive, prefixes=prefixes, without=without))


def canonical_pieces(
    element: etree._Element,
    *,
    exclusive: bool = True,
    prefixes: Sequence[str] = (),
    without: etree._Element | None = None,
) -> tuple[bytes, ...]:
    """As ``canonicalise``, in pieces: putting a long body together costs more than its digest."""
    if without is not None:
        element = _without(element, without)
    if not exclusive:
        return (_by_libxml2(_standing_alone(element), exclusive=False, prefixes=()),)
    pieces: list[bytes] = []
    if not prefixes and _simple(element, {}, pieces):
        return tuple(pieces)
    octets = _by_libxml2(element, exclusive=True, prefixes=prefixes)
    # What has no canonical form has been refused; for the rest lxml does not tell libxml2 of '#default'.
    return (rendered_with_default(element, prefixes) if DEFAULT in prefixes else octets,)


def filtered_octets(root: etree._Element, name: str, *, prefixes: Sequence[str] = ()) -> bytes:
    """What a reference to the whole document digests after exclusive canonicalisation and then the XPath transform
    ``ancestor-or-self::name``: the inclusive canonical form, in the canonical document, of the only such element.

    Args:
        name: the element's name in lxml's form; the caller has made sure that it stands once.
        prefixes: the InclusiveNamespaces PrefixList of the exclusive canonicalisation.

    Raises:
        Refused: the document has no canonical form (``dsig.canonicalisation``, ``xml.not-well-formed``).
    """
    document = reread(canonicalise(root, prefixes=prefixes))
    return canonicalise(next(document.iter(name)), exclusive=False)


def _by_libxml2(element: etree._Element, *, exclusive: bool, prefixes: Sequence[str]) -> bytes:
    try:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
            inclusive_ns_prefixes=list(prefixes) or None,
        )
    except (etree.LxmlError, ValueError) as error:
        raise Refused(
            f"The element has no canonical form: {error}.",
            rule="dsig.canonicalisation",
            advice="Use absolute namespace names.",
        ) from None


_MOST_CHILDREN = 3
_MOST_PIECES = 60


def _simple(element: etree._Element, rendered: Mapping[str | None, str], pieces: list[bytes]) -> bool:
    """Exclusive canonical form of a small subtree with plain attributes, appended to ``pieces``; False if it is not
    of that kind and libxml2 has to do it.

    A document's body is two or three elements with long texts. Rendering those here is three times as fast, because
    libxml2 copies texts character by character. Tests compare both ways on generated trees.

    Args:
        rendered: namespace declarations that output ancestors carry, by prefix.
    """
    tag, prefix = element.tag, element.prefix
    children = list(element)
    if len(children) > _MOST_CHILDREN or len(pieces) > _MOST_PIECES or not isinstance(tag, str) or tag[0] != "{":
        return False
    namespace, _, local = tag[1:].partition("}")
    name = f"{prefix}:{local}" if prefix else local
    start = f"<{name}"
    # libxml2 does not escape namespace names; others have to agree with it, so it gets every unusual one.
    if ":" not in namespace or not _PLAIN.fullmatch(namespace):
        return False
    if rendered.get(prefix) != namespace:
        rendered = {**rendered, prefix: namespace}
        start += f' xmlns:{prefix}="{namespace}"' if prefix else f' xmlns="{namespace}"'
    for key, value in sorted(cast(list[tuple[str, str]], element.items())):
        if key[0] == "{":
            return False
        start += f' {key}="{_attribute(value)}"'
    pieces.append((start + ">").encode())
    text = element.text
    if text:
        pieces.append(_text(text).encode())
    for child in children:
        if not _simple(child, rendered, pieces):
            return False
        tail = child.tail
        if tail:
            pieces.append(_text(tail).encode())
    pieces.append(f"</{name}>".encode())
    return True


def _text(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text.replace("\r", "&#xD;") if "\r" in text else text


def _attribute(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else value.translate(_ESCAPES)


_PLAIN = re.compile(r"[A-Za-z0-9.:/+_ -]*")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"},
)


def _standing_alone(element: etree._Element) -> etree._Element:
    """The element as the root of its own document, with the context that inclusive canonicalisation inherits.

    libxml2 renders a subtree wrongly when its namespaces are declared above it, so the context is made explicit by
    writing the element out (lxml repeats inherited declarations) and reading it again.
    """
    alone = reread(etree.tostring(element, with_tail=False, encoding="UTF-8"))
    for ancestor in element.iterancestors():
        for name, value in ancestor.attrib.items():
            if str(name).startswith(_XML) and name not in alone.attrib:
                alone.set(name, value)
    return alone


def _without(element: etree._Element, part: etree._Element) -> etree._Element:
    """``element`` in a copy of its document that lacks ``part``; ``element`` itself if ``part`` is not inside."""
    if element is part or not any(ancestor is element for ancestor in part.iterancestors()):
        return element
    tree = copy.deepcopy(element.getroottree())
    root = tree.getroot()
    copied, gone = _same_place(root, element), _same_place(root, part)
    parent = gone.getparent()
    if parent is not None:
        _drop_keeping_tail(parent, gone)
    return copied


def _same_place(root: etree._Element, element: etree._Element) -> etree._Element:
    """The element below ``root`` that stands where ``element`` stands in its own document."""
    steps: list[int] = []
    node, parent = element, element.getparent()
    while parent is not None:
        steps.append(parent.index(node))
        node, parent = parent, parent.getparent()
    for step in reversed(steps):
        root = root[step]
    return root


def _drop_keeping_tail(parent: etree._Element, child: etree._Element) -> None:
    tail = child.tail or ""
    before = child.getprevious()
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(child)
