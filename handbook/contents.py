"""The contents beside every page: drawn once and marked for each page.

Sphinx would resolve the whole tree anew for each of its two hundred pages, a fifth of the time of a build.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeAlias

from lxml import etree, html
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment.adapters.toctree import global_toctree_for_doc
from sphinx.util.osutil import relative_uri

PageHandler: TypeAlias = Callable[[Sphinx, str, str, dict[str, Any], object], None]


def drawn_once() -> PageHandler:
    """A handler of ``html-page-context`` that gives the theme this tree in the place of Sphinx's own."""
    drawn: dict[str, html.HtmlElement] = {}

    def handler(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
        def toctree(**options: Any) -> str:
            asked = repr(sorted(options.items()))
            if asked not in drawn:
                drawn[asked] = _of_the_first_page(app, options)
            return _marked(deepcopy(drawn[asked]), app.builder, page)

        if "toctree" in context:
            context["toctree"] = toctree

    return handler


def _of_the_first_page(app: Sphinx, options: dict[str, Any]) -> html.HtmlElement:
    assert isinstance(app.builder, StandaloneHTMLBuilder)
    tree = global_toctree_for_doc(app.env, app.config.root_doc, app.builder, tags=app.tags, **options)
    fragment = app.builder.render_partial(tree)["fragment"]
    return html.fragment_fromstring(fragment, create_parent="div")


def _marked(tree: html.HtmlElement, builder: Any, page: str) -> str:
    """The links as seen from a page; its own, and all that it stands in, are marked as current."""
    here = builder.get_target_uri(page)
    for link in tree.iter("a"):
        if link.get("href") == here:
            link.set("href", "#")
            link.set("class", f"current {link.get('class')}")
            for around in link.iterancestors("li", "ul"):
                around.set("class", f"{around.get('class') or ''} current".strip())
        elif "://" not in link.get("href"):
            link.set("href", relative_uri(here, link.get("href")))
    return "".join(etree.tostring(child, encoding="unicode", method="html") for child in tree)
