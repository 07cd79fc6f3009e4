"""Which OCSP responder is faulty at the moment: set from code, or from another process through a file."""

from __future__ import annotations

from pathlib import Path

from sotepki.serving.fault_board import ALL
from sotepki.serving.fault_board import FaultBoard as AnyFaultBoard
from sotepki.x509.ocsp_faults import NO_FAULTS, OcspFaults

__all__ = ["ALL", "FaultBoard", "read_board"]


class FaultBoard(AnyFaultBoard[OcspFaults]):
    """The faults of every responder by publication id; with ``path`` shared by every process of the workspace."""

    def __init__(self, path: Path | None = None) -> None:
        super().__init__(
            path,
            none=NO_FAULTS,
            read=OcspFaults.from_dict,
            title="OCSP faults",
            advice="Begin anew with 'sotepki cert ocsp-faults --clear'.",
        )


def read_board(data: bytes, name: str) -> dict[str, OcspFaults]:
    """The faults in the bytes of a board's file; ``Misuse`` if they are not of the right shape."""
    return FaultBoard().parse(data, name)
