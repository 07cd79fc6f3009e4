"""Why a signature does not verify: the usual accidents are tried, and the one that makes it verify is named."""

from sotepki.documents.diagnosis.accidents import Accident, accidents
from sotepki.documents.diagnosis.diagnosing import Diagnosis, diagnose

__all__ = ["Accident", "Diagnosis", "accidents", "diagnose"]
