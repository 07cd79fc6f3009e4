"""Exclusive canonical form where the PrefixList names ``#default``.

libxml2 could render it, but lxml passes on only those names of the list that are prefixes, and drops ``#default``
without a word. So these elements, which hardly occur, are written out and rendered from the events of expat.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from xml.parsers import expat

from lxml import etree

DEFAULT = "#default"
_XML = "http://www.w3.org/XML/1998/namespace"
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})
_VALUE = str.maketrans({"&": "&amp;", "<": "&lt;", '"': "&quot;", "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"})

Spaces = dict[str, str]
"""Namespace names by prefix, with "" as the prefix of the default namespace."""


def rendered_with_default(element: etree._Element, prefixes: Collection[str]) -> bytes:
    """The exclusive canonical octets of ``element`` without comments.

    Args:
        prefixes: the PrefixList, with ``#default``.
    """
    # lxml repeats on the element what it inherits, so nothing of its place is lost.
    source = etree.tostring(element, with_tail=False, encoding="UTF-8")
    rendering = _Rendering({"" if prefix == DEFAULT else prefix for prefix in prefixes})
    parser = expat.ParserCreate("UTF-8")
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = rendering.begin
    parser.EndElementHandler = rendering.finish
    parser.CharacterDataHandler = rendering.text
    parser.ProcessingInstructionHandler = rendering.instruction
    parser.Parse(source, True)
    return "".join(rendering.pieces).encode()


class _Rendering:
    """Expat handlers that write the canonical form; expat gives names as they are written, with their prefixes."""

    def __init__(self, listed: set[str]) -> None:
        self.pieces: list[str] = []
        self._listed = listed
        # For each open element: what is in scope, and what it and its ancestors in the output have declared.
        self._open: list[tuple[Spaces, Spaces]] = [({"": "", "xml": _XML}, {"": ""})]

    def begin(self, name: str, written: list[str]) -> None:
        scope, declared = self._open[-1]
        pairs = list(zip(written[::2], written[1::2], strict=True))
        own = {key[6:]: value for key, value in pairs if key == "xmlns" or key.startswith("xmlns:")}
        attributes = [(key, value) for key, value in pairs if key != "xmlns" and not key.startswith("xmlns:")]
        if own:
            scope = scope | own
        used = {_prefix(name), *(_prefix(key) for key, _ in attributes if ":" in key), *(self._listed & scope.keys())}
        new = {prefix: scope[prefix] for prefix in used - {"xml"} if declared.get(prefix) != scope[prefix]}
        self._open.append((scope, declared | new if new else declared))
        attributes.sort(key=lambda pair: _order(pair[0], scope))
        self.pieces += [f"<{name}", *_declarations(new)]
        self.pieces += [f' {key}="{value.translate(_VALUE)}"' for key, value in attributes]
        self.pieces.append(">")

    def finish(self, name: str) -> None:
        self._open.pop()
        self.pieces.append(f"</{name}>")

    def text(self, text: str) -> None:
        self.pieces.append(text.translate(_TEXT))

    def instruction(self, target: str, data: str) -> None:
        self.pieces.append(f"<?{target}{' ' if data else ''}{data}?>".replace("\r", "&#xD;"))


def _prefix(name: str) -> str:
    return name.rpartition(":")[0]


def _order(name: str, scope: Spaces) -> tuple[str, str]:
    """Attributes stand in the order of namespace and local name, those without a prefix first."""
    prefix, _, local = name.rpartition(":")
    return (scope[prefix] if prefix else "", local)


def _declarations(new: Spaces) -> Iterator[str]:
    for prefix in sorted(new):
        # As libxml2 writes it: nothing is escaped, and the parser admits no name with '<' or quotes.
        yield f' xmlns{":" if prefix else ""}{prefix}="{new[prefix]}"'
