"""The built handbook: every link within it leads somewhere, and no page asks an outside host for anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html

_LOADED = ("src", "srcset", "data", "poster")
_STYLE_ADDRESS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])([^'\")\s]+)")
_OUTSIDE = ("http:", "https:", "//", "ws:", "wss:")


def complaints(site: Path) -> list[str]:
    """Sentences about what is wrong with a built site; empty if nothing is."""
    found = [complaint for page in sorted(site.rglob("*.html")) for complaint in _page(page, site)]
    for sheet in sorted(site.rglob("*.css")):
        for address in _STYLE_ADDRESS.findall(sheet.read_text(encoding="utf-8")):
            if address.startswith(_OUTSIDE):
                found.append(f"{sheet.relative_to(site)} loads {address}")
    return found


def _page(page: Path, site: Path) -> Iterator[str]:
    where = page.relative_to(site)
    for element in html.parse(str(page)).iter():
        if not isinstance(element.tag, str):
            continue
        for name in _LOADED:
            address = element.get(name, "")
            if address.startswith(_OUTSIDE):
                yield f"{where} loads {address}"
            elif address and not address.startswith("data:") and not _target(page, address).exists():
                yield f"{where} loads {address}, which is not there"
        address = element.get("href", "")
        if element.tag == "link" and address.startswith(_OUTSIDE):
            yield f"{where} loads {address}"
        elif (
            element.tag in ("a", "link") and address and not urlsplit(address).scheme and not address.startswith("//")
        ):
            target, fragment = _target(page, address), unquote(urlsplit(address).fragment)
            if not target.exists():
                yield f"{where} links to {address}, which is not there"
            elif fragment and target.suffix == ".html" and fragment not in _places(target):
                yield f"{where} links to {address}; the page has no such place"


def _target(page: Path, address: str) -> Path:
    path = unquote(urlsplit(address).path)
    return _below(page.parent, path) if path else page.resolve()


@cache
def _below(directory: Path, path: str) -> Path:
    return (directory / path).resolve()  # the contents stand on every page: the same few hundred links on each


@cache
def _places(page: Path) -> frozenset[str]:
    found = html.parse(str(page)).xpath("//@id | //a/@name")
    return frozenset(map(str, found)) | {"", "top"}
