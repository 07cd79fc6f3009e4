"""Supervision of information systems: the register (Astori), bars on their use, deviations."""

from sotepki.valvira.supervision.data import MissingJointTest, deviation_machine, system_machine
from sotepki.valvira.supervision.office import Supervision
from sotepki.valvira.supervision.values import (
    Deviation,
    Evidence,
    EvidenceKind,
    InformationSystem,
    Role,
    Usability,
    as_json,
)

__all__ = [
    "Deviation",
    "Evidence",
    "EvidenceKind",
    "InformationSystem",
    "MissingJointTest",
    "Role",
    "Supervision",
    "Usability",
    "as_json",
    "deviation_machine",
    "system_machine",
]
