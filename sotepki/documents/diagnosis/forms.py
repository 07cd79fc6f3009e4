"""The octets that a signer may have digested, if one of the usual accidents happened before or after signing.

Canonical XML has one spelling for everything, so most accidents are undone on the octets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from lxml import etree

from sotepki.errors import Refused
from sotepki.xmldsig import canonicalise, reread

Candidate = tuple[tuple[str, ...], bytes]
"""Accidents, and the octets that would have been digested if they happened."""

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_KNOWN_NAMESPACES = {
    "xsi": _XSI,
    "xs": "http://www.w3.org/2001/XMLSchema",
    "xsd": "http://www.w3.org/2001/XMLSchema",
    "hl7fi": "urn:hl7finland",
    "hl7": "urn:hl7-org:v3",
    "cda": "urn:hl7-org:v3",
    "voc": "urn:hl7-org:v3/voc",
    "sdtc": "urn:hl7-org:sdtc",
    "ds": _DS,
}
_PREFIXES = ("", "hl7fi", "fi", "f", "cda", "hl7", "v3", "ds", "dsig", "xd", "sig", "x", "a", "p", "n1", "ns")


def candidates(element: etree._Element, *, exclusive: bool, prefixes: Sequence[str] = ()) -> Iterator[Candidate]:
    """What may have been digested instead of the named canonical form of ``element``, likely accidents first.

    Args:
        prefixes: the PrefixList of the named form, if it is exclusive.
    """
    bases = list(_bases(element, exclusive=exclusive, prefixes=prefixes))
    for names, octets in bases:
        yield names, octets
    for names, octets in bases:
        for undo in _UNDOINGS:
            for accident, changed in undo(octets, element):
                if changed != octets:
                    yield (*names, accident), changed
    named = bases[0][1] if bases else b""
    for accident, changed in _renamed(named, element):
        yield (accident,), changed
        for second, twice in _indentations(changed, element):
            yield (accident, second), twice


def _bases(element: etree._Element, *, exclusive: bool, prefixes: Sequence[str]) -> Iterator[Candidate]:
    """The canonical forms: the named one, the other one, and that of the element by itself."""
    other = "c14n.inclusive-done" if exclusive else "c14n.exclusive-done"
    forms: list[tuple[tuple[str, ...], Callable[[], bytes]]] = [
        ((), lambda: canonicalise(element, exclusive=exclusive, prefixes=prefixes)),
        ((other,), lambda: canonicalise(element, exclusive=not exclusive)),
        (("placement.inserted",), lambda: _alone(element)),
    ]
    seen: set[bytes] = set()
    for names, form in forms:
        try:
            octets = form()
        except Refused:
            continue
        if octets not in seen:
            seen.add(octets)
            yield names, octets


def _alone(element: etree._Element) -> bytes:
    """Inclusive form with the declarations that stand on the element itself, as when it was a document of its own."""
    above = element.getparent()
    inherited = {} if above is None else above.nsmap
    root = reread(canonicalise(element))
    own = {p: uri for p, uri in element.nsmap.items() if inherited.get(p) != uri}
    text = canonicalise(root, exclusive=False)
    return _with_declarations(text, {**_declarations(text), **{p or "": uri for p, uri in own.items()}})


def _indentations(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    flat = re.sub(rb">[ \t\r\n]+<", b"><", octets)
    yield "whitespace.indented", flat
    yield "whitespace.indented", re.sub(rb">\s*([^<>]*?)\s*<", rb">\1<", octets)
    # Another indentation than the signed one shows that the document was indented again, not that white space went.
    accident = "whitespace.removed" if flat == octets else "whitespace.indented"
    depth = sum(1 for _ in element.iterancestors())
    for space in ("  ", "\t", "    ", " "):
        for level in sorted({0, depth, max(0, depth - 1)}):
            try:
                root = reread(octets)
                etree.indent(root, space, level=level)
                yield accident, canonicalise(root, exclusive=b"xmlns" in octets[:4])
                yield accident, etree.tostring(root, method="c14n")
            except (Refused, etree.LxmlError, ValueError):
                return


def _base64_lines(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    def joined(match: re.Match[bytes]) -> bytes:
        return b">" + re.sub(rb"[\s]|&#xD;", b"", match[1]) + b"<"

    flat = re.sub(rb">((?:[A-Za-z0-9+/=\s]|&#xD;){20,})<", joined, octets)
    yield "whitespace.base64", flat
    for width in (64, 76):
        for end in (b"\n", b"&#xD;\n"):

            def wrapped(match: re.Match[bytes], width: int = width, end: bytes = end) -> bytes:
                lines = [match[1][at : at + width] for at in range(0, len(match[1]), width)]
                return b">" + end.join(lines) + b"<"

            yield "whitespace.base64", re.sub(rb">([A-Za-z0-9+/=]{20,})<", wrapped, flat)


def _line_ends(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    accident = "line-ends.carriage-return"
    yield accident, octets.replace(b"&#xD;", b"")
    yield accident, octets.replace(b"&#xD;", b"").replace(b"\n", b"&#xD;\n")
    yield accident, octets.replace(b"&#xD;", b"").replace(b"\n", b"\r\n")


def _encodings(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    text = octets.decode("utf-8")
    for encoding in ("latin-1", "cp1252", "utf-16-le", "utf-16"):
        try:
            other = text.encode(encoding)
        except UnicodeEncodeError:
            continue
        yield ("encoding.declaration" if _is_utf8(other) else "encoding.digest"), other


def _identifier(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    yield "placement.identifier", re.sub(rb'^(<[^<>]*?) I[Dd]="[^"]*"', rb"\1", octets)


def _unaware(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    """As a tree without namespaces is digested: without declarations, or the first tag with the default one alone."""
    bare = re.sub(rb' xmlns(?::[\w.-]+)?="[^"]*"', b"", octets)
    yield "namespace.unaware", bare
    yield "namespace.unaware", _with_declarations(bare, {"": element.nsmap.get(None, "")})


def _unused(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    """Declarations dropped from or added to the first tag, one or two at a time."""
    there = _declarations(octets)
    known = dict(_KNOWN_NAMESPACES)
    for node in element.getroottree().getroot().iter("*"):
        known.update({prefix: uri for prefix, uri in node.nsmap.items() if prefix})
        if len(known) > 20:
            break
    changes: list[tuple[str, str | None]] = [(prefix, None) for prefix in there if prefix]
    changes += [(prefix, uri) for prefix, uri in known.items() if there.get(prefix) != uri]
    for number in (1, 2):
        for chosen in combinations(changes, number):
            declared = dict(there)
            for prefix, uri in chosen:
                if uri is None:
                    declared.pop(prefix, None)
                else:
                    declared[prefix] = uri
            yield "namespace.unused", _with_declarations(octets, declared)


def _xpath_prefix(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    """The declaration of the XPath's prefix rendered, which exclusive canonicalisation leaves out (kanta.md 1)."""
    for node in element.iter(f"{{{_DS}}}XPath"):
        for prefix, uri in node.nsmap.items():
            declared = f' xmlns:{prefix}="{uri}"'.encode() if prefix else b""
            yield "namespace.unused", re.sub(rb"(<(?:[\w.-]+:)?XPath)>", rb"\1" + declared + b">", octets)


def _renamed(octets: bytes, element: etree._Element) -> Iterator[tuple[str, bytes]]:
    """Prefixes renamed, for every namespace of the element."""
    used = {(prefix or b"").decode() for prefix in re.findall(rb"<([A-Za-z_][\w.-]*):", octets)}
    if re.search(rb"<[A-Za-z_][\w.-]*[ >]", octets):
        used.add("")
    above = {prefix or "" for node in (element, *element.iterancestors()) for prefix in node.nsmap}
    targets = dict.fromkeys((*_PREFIXES, *sorted(above), *(f"ns{n}" for n in range(10))))
    for old in sorted(used):
        for new in targets:
            if new != old:
                yield "prefix.renamed", _rename(octets, old, new)


def _rename(octets: bytes, old: str, new: str) -> bytes:
    before, after = (f"{prefix}:".encode() if prefix else b"" for prefix in (old, new))
    declared, redeclared = (f" xmlns:{p}=".encode() if p else b" xmlns=" for p in (old, new))
    name = rb"(</?)" + before + rb"([A-Za-z_][\w.-]*)(?=[ />])"
    return re.sub(name, rb"\1" + after + rb"\2", octets.replace(declared, redeclared))


_FIRST_TAG = re.compile(rb"^<([^\s<>/]+)((?: xmlns(?::[\w.-]+)?=\"[^\"]*\")*)")


def _declarations(octets: bytes) -> dict[str, str]:
    """The namespace declarations of the first tag, by prefix (empty for the default)."""
    match = _FIRST_TAG.match(octets)
    found = re.findall(rb' xmlns(?::([\w.-]+))?="([^"]*)"', match[2]) if match else []
    return {prefix.decode(): uri.decode() for prefix, uri in found}


def _with_declarations(octets: bytes, declared: dict[str, str]) -> bytes:
    match = _FIRST_TAG.match(octets)
    if match is None:
        return octets
    texts = (f' xmlns{":" if prefix else ""}{prefix}="{declared[prefix]}"' for prefix in sorted(declared))
    return b"<" + match[1] + "".join(texts).encode() + octets[match.end() :]


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\x00" not in octets


_UNDOINGS: Sequence[Callable[[bytes, etree._Element], Iterator[tuple[str, bytes]]]] = (
    _line_ends,
    _indentations,
    _base64_lines,
    _encodings,
    _identifier,
    _xpath_prefix,
    _unaware,
    _unused,
)
