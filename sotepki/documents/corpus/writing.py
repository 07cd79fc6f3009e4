"""Writing the corpus: documents, the certificates to trust, and one index."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.documents.corpus.catalogue import catalogue
from sotepki.documents.corpus.making import made_document
from sotepki.documents.corpus.world import CorpusWorld

INDEX = "index.json"
ROOT, ISSUERS, DOCUMENTS = "trust/root.pem", "trust/issuers.pem", "documents"
SCHEMA = "corpus.schema.json"


def write_corpus(directory: Path, world: CorpusWorld | None = None) -> dict[str, Any]:
    """Write a new corpus into ``directory``, which is made if it is not there; the index, as it was written.

    Raises:
        Fault: the catalogue is not well formed.
        OSError: the place cannot be written.
    """
    world = world or CorpusWorld()
    (directory / "trust").mkdir(parents=True, exist_ok=True)
    (directory / DOCUMENTS).mkdir(exist_ok=True)
    (directory / ROOT).write_bytes(world.root.public_bytes(Encoding.PEM))
    issuers = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in world.intermediates)
    (directory / ISSUERS).write_bytes(issuers)
    rows: list[dict[str, Any]] = []
    for entry in catalogue().values():
        data = made_document(entry, world)
        file = f"{DOCUMENTS}/{entry.id}.xml"
        (directory / file).write_bytes(data)
        rows.append(
            {
                "id": entry.id,
                "file": file,
                "sha256": hashlib.sha256(data).hexdigest(),
                "group": entry.group,
                "base": entry.base,
                "change": entry.change,
                "verdict": str(entry.verdict),
                "rule": entry.rule,
                "importance": str(entry.importance),
            }
        )
    index = {
        "schema": SCHEMA,
        "trust": ROOT,
        "intermediates": ISSUERS,
        "at": world.at.isoformat(),
        "revocation": False,
        "documents": rows,
    }
    (directory / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return index
