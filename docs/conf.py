"""How Sphinx makes the handbook. The pages are put together by `python -m handbook`; this file says how they look."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.search import languages
from sphinx.search.en import SearchEnglish

from handbook.contents import drawn_once
from sotepki import __version__

project = "sotepki"
author = "the sotepki project"
release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click"]
exclude_patterns = ["**/.ipynb_checkpoints"]

# Notebooks are shown with the outputs that are committed, which the notebooks' own run has checked. Widgets would
# fetch their scripts from a host outside, so a page shows the plain output that stands beside each of them.
nb_execution_mode = "off"
# What a cell shows as Markdown is read as the pages are; plain CommonMark has no tables.
nb_render_markdown_format = "myst"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_mime_priority_overrides = [("*", "application/vnd.jupyter.widget-view+json", None)]

myst_enable_extensions = ["colon_fence", "fieldlist"]
myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False
toc_object_entries = False  # the theme draws the whole tree on every page: half of the time of a build
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_use_ivar = True
# Annotations name types of libraries that have no pages here; links between pages are checked in any case.
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]

html_theme = "furo"
html_title = f"sotepki {release}"
html_static_path = ["_static"]
html_css_files = ["handbook.css"]
html_js_files = [("handbook.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
# A browser may not read one file of a disk from another, and the handbook is read from a disk.
html_show_search_summary = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5394", "color-brand-content": "#0b5394"},
    "dark_css_variables": {"color-brand-primary": "#8ab8e6", "color-brand-content": "#8ab8e6"},
}
highlight_language = "none"
# Colours of code that reach a contrast of 4.5:1; the theme brings them.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app: Sphinx) -> None:
    """What no setting of Sphinx does."""
    languages["en"] = StemmedOnce
    app.connect("html-page-context", in_its_language)
    app.connect("html-page-context", drawn_once(), priority=400)  # before the theme, which asks for it


class StemmedOnce(SearchEnglish):
    """English words for the search; each is brought to its stem once, not for every page that it stands on."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        self._stems = cache(super().stem)

    def stem(self, word: str) -> str:
        """The stem of a word."""
        return self._stems(word)


def in_its_language(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """The Finnish or Swedish edition of a notebook says so to who listens; the theme around it stays English."""
    notebook = Path(app.srcdir, f"{page}.ipynb")
    if "body" in context and notebook.is_file():
        metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
        context["body"] = f'<div lang="{metadata.get("sotepki", {}).get("language", "en")}">{context["body"]}</div>'
