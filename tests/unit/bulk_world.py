"""A job that signs with the system's key of ``document_world``."""

from __future__ import annotations

from pathlib import Path

import document_world as world
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sotepki.documents.bulk import FileKey, Placing, SigningJob


def signing_job(directory: Path) -> SigningJob:
    """The job: its key in ``directory``, what it signs in ``directory/out``."""
    key = directory / "key.pem"
    key.write_bytes(world.ec_key("system").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate = world.system_certificate().public_bytes(Encoding.DER)
    return SigningJob(FileKey(str(key)), certificate, Placing(str(directory / "out")), at=world.NOW)
