"""Named defects: certificates, paths and revocation data that are wrong in one way each, built on demand."""

from sotepki.x509.defects.catalogue import Defect, Expectation, find_defect, load_defects
from sotepki.x509.defects.path_builders import Setting
from sotepki.x509.defects.validators import OtherView, Validator, load_validators
from sotepki.x509.defects.world import BASES, Base, DefectWorld, fresh_keys

__all__ = [
    "BASES",
    "Base",
    "Defect",
    "DefectWorld",
    "Expectation",
    "OtherView",
    "Setting",
    "Validator",
    "find_defect",
    "fresh_keys",
    "load_defects",
    "load_validators",
]
