"""What a powered card keeps between commands and forgets without power."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sotepki.card.kinds import KeyUse
from sotepki.card.operating.apdu import Command
from sotepki.card.operating.files import Path


class Environment(NamedTuple):
    """One template of MANAGE SECURITY ENVIRONMENT: algorithm reference and key, if given."""

    algorithm: int | None
    key: KeyUse | None


@dataclass
class CardSession:
    """The volatile memory.

    Attributes:
        directory: path of the current directory.
        file: path of the current elementary file, if there is one.
        environments: by template tag (B6, B8, A4, AA).
        loaded_hash: of PSO HASH, for an empty PSO CDS.
        pending: response bytes that GET RESPONSE will fetch.
        chained: header and body so far of a command chain.
    """

    directory: Path = ()
    file: Path | None = None
    environments: dict[int, Environment] = field(default_factory=dict)
    loaded_hash: bytes | None = None
    pending: bytes = b""
    chained: Command | None = None
