"""Two systems exchange documents: what cannot be judged is skipped, and nobody is blamed for it."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import document_world as world

from conformance.bench import Bench
from conformance.crossing import exchange, exit_code
from conformance.sut.facets import Answer, SignatureKind, SignerIdentity, SystemUnderTest, Trust
from conformance.verdicts import CaseVerdict
from sotepki.documents import VerificationContext, verify_document
from sotepki.evidence import Verdict


class Maker:
    """Unsigned documents; in the place of the bench's."""

    def of_kind(self, name: str, identity: SignerIdentity) -> bytes:
        return world.unsigned(author=None)


class SmallBench:
    maker = Maker()


class Signer:
    """Makes system signatures."""

    def identity(self, kind: SignatureKind) -> SignerIdentity | None:
        return SignerIdentity(world.ORGANISATION) if kind is SignatureKind.SYSTEM else None

    def sign(self, document: bytes, kind: SignatureKind, *, correction: bool = False) -> bytes:
        return world.signed_by_system(document)


class Reader:
    """A right reader: it believes the authorities that it is told, and no others."""

    def verify(self, document: bytes, trust: Trust) -> Answer:
        context = VerificationContext(trust=trust.roots, at=world.NOW, revocation=False, profiles=False)
        return Answer(verify_document(document, context).verdict is Verdict.VALID)


def test_a_reader_is_not_blamed_for_authorities_that_the_author_did_not_name() -> None:
    """The author's description lacked [trust], and the other system, which was right, failed for it."""
    author = SystemUnderTest("A", "files", trust=Trust((world.root(),)), signer=Signer())
    reader = SystemUnderTest("B", "files", verifier=Reader())
    bench = cast(Bench, SmallBench())
    assert [leg.verdict for leg in exchange(author, reader, bench)] == [CaseVerdict.PASS, CaseVerdict.SKIP]
    legs = exchange(replace(author, trust=None), reader, bench)
    assert [(leg.verdict, leg.reason) for leg in legs] == [
        (CaseVerdict.SKIP, "A has no [trust], so B cannot be told by which authorities it signs."),
        (CaseVerdict.SKIP, "B has no [sign]."),
    ]
    assert exit_code(legs) == 2
