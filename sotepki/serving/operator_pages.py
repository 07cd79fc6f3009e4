"""Pages that an operator reads: one style for every page of the package, nothing from elsewhere, no foreign script.

The style sheet is also that of the pages of the Signature Creation Service and of the reference system.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

from sotepki.resources import package_file

STYLE_PATH = "/static/style.css"
SHARED = package_file("serving", "pages")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


def operator_page(directory: Path, name: str, **values: Any) -> web.Response:
    """The page of a template of ``directory``; templates extend ``operator.html.j2``."""
    text = _environment(directory).get_template(name).render(**values)
    return web.Response(text=text, content_type="text/html", headers=HEADERS)


def add_style(app: web.Application) -> None:
    """Serve the style sheet under ``STYLE_PATH``."""
    app.router.add_get(STYLE_PATH, _style)


async def _style(_request: web.Request) -> web.StreamResponse:
    text = (SHARED / "style.css").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="text/css", headers=HEADERS)


@cache
def _environment(directory: Path) -> jinja2.Environment:
    loader = jinja2.FileSystemLoader([directory, SHARED])
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
