"""Where the tasks about certificates begin."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.dvv import SOTE_SERVICES
from sotepki.journey import Cast
from sotepki.records import write_atomically
from sotepki.workspace import Workspace

FILE = "mailed.pem"

_SUBJECT = {
    "country": "FI",
    "state": "Finland",
    "locality": "Testilä",
    "organisation": "Lääkäriasema Lehtokumpu Oy TEST",
    "serial_number": "1.2.246.10.99000034.10.0",
    "common_name": "Lumikko TEST",
}


def system_certificate(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A system signature certificate in force, whose key nobody needs any more."""
    del cast
    key = rsa.generate_private_key(65537, 2048).public_key()
    made = workspace.authorities.issue(
        SOTE_SERVICES, "test-system-signature", subject=_SUBJECT, public_key=key, actor="trainer", holder="Lumikko"
    )
    return {"serial": f"{made.serial_number:030x}"}


def nameless_file(workspace: Workspace, cast: Cast) -> dict[str, str]:
    """A system signature certificate of the EC tree, in a file that does not tell."""
    del cast
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    made = workspace.authorities.issue(
        f"{SOTE_SERVICES}-ec", "test-system-signature-ec", subject=_SUBJECT, public_key=key, actor="trainer",
        holder="Lumikko",
    )  # fmt: skip
    write_atomically(workspace.directory / FILE, made.public_bytes(Encoding.PEM))
    return {"file": FILE}
