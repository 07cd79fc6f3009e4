"""Steps on the elements of a document, found by XPath with the prefixes h, f, ds and ec."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from sotepki.documents.corpus.resigning import D, resign, text64
from sotepki.documents.corpus.source_steps import Step
from sotepki.documents.corpus.world import CorpusWorld
from sotepki.documents.vocabulary import FINLAND, HL7
from sotepki.xmldsig import DS, EXCLUSIVE

_NAMES = {"h": HL7, "f": FINLAND, "ds": DS, "ec": EXCLUSIVE}


def _resign(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """Who signs again, or [who, "value"] to leave the digests as they are."""
    who, *only = arguments if isinstance(arguments, list) else [arguments]
    root = etree.fromstring(data)
    resign(next(root.iter(f"{D}Signature")), world.identities[who].key, digests=not only)
    return _written(root)


def _set(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[path, attribute, value]; without a value the attribute is dropped."""
    path, name, *value = arguments
    root = etree.fromstring(data)
    element = _at(root, path)
    if value:
        element.set(name, value[0])
    else:
        element.attrib.pop(name)
    return _written(root)


def _text(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[path, text]."""
    path, text = arguments
    root = etree.fromstring(data)
    _at(root, path).text = text
    return _written(root)


def _remove(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    root = etree.fromstring(data)
    _detached(_at(root, arguments))
    return _written(root)


def _insert(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[path, where, XML]."""
    path, where, source = arguments
    root = etree.fromstring(data)
    names = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _NAMES.items())
    for new in reversed(list(etree.fromstring(f"<x {names}>{source}</x>"))):
        _placed(new, _at(root, path), where)
    return _written(root)


def _bare_key(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[path, where, whose], an RSA key as ds:KeyValue (W3C XML Signature 1.1, 4.5.2.2)."""
    path, where, who = arguments
    key = world.identities[who].key.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise LookupError(f"{who} has no RSA key")
    numbers = key.public_numbers()
    values = {"Modulus": numbers.n, "Exponent": numbers.e}
    inner = "".join(
        f"<ds:{name}>{text64(value.to_bytes((value.bit_length() + 7) // 8, 'big'))}</ds:{name}>"
        for name, value in values.items()
    )
    source = f"<ds:KeyValue><ds:RSAKeyValue>{inner}</ds:RSAKeyValue></ds:KeyValue>"
    return _insert(data, [path, where, source], world)


def _move(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[path, path of the new neighbour or parent, where]."""
    path, target, where = arguments
    root = etree.fromstring(data)
    element, place = _at(root, path), _at(root, target)
    _detached(element)
    _placed(element, place, where)
    return _written(root)


def _copy(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    """[path, path of the new neighbour or parent, where], or with a fourth argument from another base document."""
    path, target, where, *base = arguments
    root = etree.fromstring(data)
    source = etree.fromstring(world.bases[base[0]]) if base else root
    _placed(deepcopy(_at(source, path)), _at(root, target), where)
    return _written(root)


def _indent(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    root = etree.fromstring(data)
    etree.indent(root, arguments or "  ")
    return _written(root)


def _minify(data: bytes, arguments: Any, world: CorpusWorld) -> bytes:
    return _written(etree.fromstring(data, etree.XMLParser(remove_blank_text=True)))


def _at(root: etree._Element, path: str) -> etree._Element:
    found = cast(list[etree._Element], root.xpath(path, namespaces=_NAMES))
    if not found:
        raise LookupError(f"nothing is at {path}")
    return found[0]


def _placed(element: etree._Element, target: etree._Element, where: str) -> None:
    if where == "before":
        target.addprevious(element)
    elif where == "after":
        target.addnext(element)
    elif where == "instead":
        parent = target.getparent()
        if parent is None:
            raise LookupError("the document element cannot be replaced")
        parent.replace(target, element)
    else:
        target.insert({"first": 0, "last": len(target)}[where], element)


def _detached(element: etree._Element) -> None:
    """Take an element out; the text after it goes with it."""
    parent = element.getparent()
    if parent is None:
        raise LookupError("the document element cannot be moved")
    parent.remove(element)
    element.tail = None


def _written(root: etree._Element) -> bytes:
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


TREE_STEPS: Mapping[str, Step] = {
    "resign": _resign,
    "set": _set,
    "element-text": _text,
    "remove": _remove,
    "insert": _insert,
    "bare-key": _bare_key,
    "move": _move,
    "copy": _copy,
    "indent": _indent,
    "minify": _minify,
}
