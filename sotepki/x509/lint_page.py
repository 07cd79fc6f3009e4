"""Lint reports as one HTML page that opens offline: no scripts, no fonts or pictures from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sotepki.evidence import Severity
from sotepki.resources import package_file

_TEMPLATE = "lint_page.html.j2"


def lint_page(answers: Sequence[dict[str, Any]]) -> str:
    """The answers of ``sotepki cert lint`` (one for each file, in the JSON shape) as a page.

    Everything that comes from a certificate is escaped: a name may hold any text, markup included.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(package_file("x509")), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    findings = [finding for answer in answers for finding in answer["findings"]]
    counts = {str(severity): sum(f["severity"] == severity for f in findings) for severity in Severity}
    return environment.get_template(_TEMPLATE).render(answers=answers, counts=counts)
