"""Which of several certificates in KeyInfo is the signer's: X509Data has no order (W3C XML Signature 1.1, 4.5.4)."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from sotepki.documents import VerificationContext, verify_document
from sotepki.documents.corpus import CorpusWorld
from sotepki.evidence import Verdict


@pytest.fixture(scope="module")
def world() -> CorpusWorld:
    return CorpusWorld()


def judged(world: CorpusWorld, *names: str) -> tuple[Verdict, set[str]]:
    """A document of the card, whose KeyInfo carries these certificates in this order."""
    ders = [world.identities[name].certificate.public_bytes(Encoding.DER) for name in names]
    written = b"".join(b"<ds:X509Certificate>%s</ds:X509Certificate>" % base64.b64encode(der) for der in ders)
    document = re.sub(
        rb"<ds:X509Certificate>.*</ds:X509Certificate>", written, world.bases["professional"], flags=re.DOTALL
    )
    context = VerificationContext((world.root,), world.at, world.intermediates, revocation=False, profiles=False)
    report = verify_document(document, context)
    return report.verdict, {finding.rule for finding in report.findings}


@pytest.mark.parametrize(
    "order",
    [
        ("issuing", "card"),
        ("root", "issuing", "card"),
        ("card", "root", "issuing"),
        ("issuing", "card", "root"),
        ("card", "card"),
    ],
)
def test_a_chain_in_any_order_is_right_and_gets_a_warning(world: CorpusWorld, order: tuple[str, ...]) -> None:
    """Libraries write the chain in either order; to refuse one of them would be stricter than the standard."""
    assert judged(world, *order) == (Verdict.VALID, {"dsig.key-info.chain"})


@pytest.mark.parametrize("order", [("colleague", "card"), ("issuing",), ("colleague", "issuing", "card")])
def test_a_stranger_among_them_is_not_chosen_away(world: CorpusWorld, order: tuple[str, ...]) -> None:
    """No search for a key that fits: two signers, or none, leave the first, whose key did not sign."""
    assert judged(world, *order)[0] is Verdict.INVALID


def test_of_more_than_any_chain_has_the_first_is_taken(world: CorpusWorld) -> None:
    """Each is compared with each, so thousands of certificates would hold the verifier up."""
    others = ["issuing", "root", *(name for name in world.identities if name not in ("card", "issuing", "root"))]
    assert len(others) >= 8
    assert judged(world, "card", *others)[0] is Verdict.VALID
    assert judged(world, *others[:1], "card", *others[1:])[0] is Verdict.INVALID
