"""The applications that may ask Vartti's person lookup, as a file of the workspace: name, certificate, roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sotepki.dvv.vartti.lookup_request import ApprovedApplication
from sotepki.errors import Fault, Misuse
from sotepki.evidence import load_yaml
from sotepki.x509.reading import load_certificate

APPROVED_APPLICATIONS = "approved-applications.yaml"


def approved_applications(path: Path) -> list[ApprovedApplication]:
    """The approved applications of a workspace; none if there is no file.

    The file maps the name of an application to ``certificate`` (a PEM file beside it) and ``roles`` (a list).

    Raises:
        Misuse: the file has another shape, or a certificate is missing.
        Refused: a certificate cannot be read.
    """
    if not path.exists():
        return []
    try:
        rows: Any = load_yaml(path)
    except Fault as fault:
        raise Misuse(f"{path}: {fault.sentence}", advice="Write it as YAML in UTF-8.") from fault
    found = []
    try:
        for name, row in rows.items():
            certificate = path.parent / str(row["certificate"])
            der = load_certificate(certificate.read_bytes(), name=certificate.name)
            found.append(ApprovedApplication(str(name), der, frozenset(map(str, row["roles"]))))
    except OSError as error:
        raise Misuse(f"The certificate of an approved application cannot be read: {error.strerror}.") from None
    except (AttributeError, KeyError, TypeError):
        raise Misuse(
            f"{path.name} does not list approved applications.",
            advice="Map each application's name to certificate (a PEM file) and roles (a list).",
        ) from None
    return found
