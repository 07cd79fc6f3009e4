"""One style for every page: a page without it is a wall of text that nobody notices in a test of words."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from urllib.request import urlopen

import pytest
from aiohttp import web

from sotepki import loopback
from sotepki.resources import package_file
from sotepki.scs.web_pages import Pages, json_object
from sotepki.serving.operator_pages import SHARED, STYLE_PATH, add_style, operator_page


def operator_application() -> web.Application:
    app = web.Application()
    add_style(app)
    return app


def pages_application() -> web.Application:
    return Pages(package_file("reference_system", "pages")).application(limit=1000)


@pytest.mark.parametrize("made", [operator_application, pages_application])
def test_the_style_sheet_is_served_to_operators_pages_and_to_the_others(made: object) -> None:
    assert callable(made)
    with loopback.running(made()) as url, urlopen(url + STYLE_PATH) as answer:
        assert answer.headers.get_content_type() == "text/css"
        assert answer.read() == (SHARED / "style.css").read_bytes()


def test_what_a_page_shows_is_text_and_never_markup(tmp_path: Path) -> None:
    template = '{% extends "operator.html.j2" %}{% block content %}{{ said }}{% endblock %}'
    (tmp_path / "page.html.j2").write_text(template, encoding="utf-8")
    page = operator_page(tmp_path, "page.html.j2", said="<script>alert(1)</script>")
    assert page.text is not None and "<script>" not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "[::1"}, 403),
        ({"Host": "foreign.example"}, 403),
        ({"Host": "[::1]:1", "Origin": "http://[::1]:1"}, 400),
        ({"Content-Encoding": "gzip"}, 400),
    ],
)
def test_a_request_that_is_none_is_told_so_and_is_no_fault_of_the_page(headers: dict[str, str], status: int) -> None:
    """A head without a host, or a body that does not unpack, was answered with 500 and a traceback in the log."""
    app = Pages().application(limit=1000)

    async def read(request: web.Request) -> web.Response:
        return web.json_response(dict(await json_object(request)))

    app.router.add_post("/", read)
    with loopback.running(app) as url:
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
        known = {"Content-Type": "application/json", "Origin": url}
        connection.request("POST", "/", b"no gzip", known | headers)
        answer = connection.getresponse()
        said = json.load(answer)
        connection.close()
    assert answer.status == status
    assert said["rule"] == ("scs.page.origin" if status == 403 else "scs.page.request")
