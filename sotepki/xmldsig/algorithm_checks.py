"""What is found against the algorithms that a signature names: those not read here, and those no longer sound."""

from __future__ import annotations

from sotepki.xmldsig.algorithms import EXCLUSIVE, Canonicalisation, Use, load_algorithms
from sotepki.xmldsig.report import Judgement
from sotepki.xmldsig.structure import CanonicalisationStep


def canonicalisation_of(step: CanonicalisationStep, judgement: Judgement) -> Canonicalisation | None:
    """The canonicalisation of a step, None with a finding if it is not read here."""
    method = load_algorithms().canonicalisations.get(step.uri)
    if method is None:
        judgement.find(
            "dsig.transform",
            "A transform or canonicalisation is not among those read here.",
            settles=False,
            expected=EXCLUSIVE,
            found=step.uri[:120],
        )
    elif method.use is not Use.SIGN:
        judgement.find(
            "dsig.algorithm.inclusive", "Canonicalisation is inclusive.", expected=EXCLUSIVE, found=step.uri
        )
    return method


def note_unlisted(what: str, uri: str, judgement: Judgement) -> None:
    """Say that the algorithm ``uri`` for ``what`` is not read here, which leaves the verdict open."""
    judgement.find("dsig.algorithm.unlisted", f"The {what} is not read here.", settles=False, found=uri[:120])


def note_weak(what: str, uri: str, judgement: Judgement) -> None:
    """Say that the algorithm ``uri`` for ``what`` uses SHA-1."""
    judgement.find("dsig.algorithm.weak", f"The {what} uses SHA-1.", found=uri)
