"""A verifier before the documents of the corpus: what it is asked, and what its answers can show."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.bench.forging_corpus import BenchCorpus
from conformance.sut.facets import Answer, Skipped, Verifies


@dataclass(frozen=True)
class Examination:
    """One verifier and one corpus; answers to good documents are remembered."""

    verifier: Verifies
    corpus: BenchCorpus
    _accepted: dict[str, bool] = field(default_factory=dict)

    def answer(self, entry_id: str, base: str = "") -> Answer:
        """What the verifier says to a document.

        Raises:
            SystemFailed: it says nothing usable.
        """
        return self.verifier.verify(self.corpus.document(entry_id, base), self.corpus.trust)

    def needs(self, good: str) -> None:
        """Go on only if the verifier accepts the good document from which the bad one was made.

        Raises:
            Skipped: it refuses that too, so a refusal of the bad one would show nothing.
            SystemFailed: it says nothing usable.
        """
        if good not in self._accepted:
            self._accepted[good] = self.answer(good).accepted
        if not self._accepted[good]:
            raise Skipped("The system refuses the good document too, so a refusal of a bad one shows nothing.")


def words(answer: Answer) -> str:
    """An answer in one line."""
    verdict = "accepted" if answer.accepted else "refused"
    return f"{verdict}: {'; '.join(answer.reasons)}" if answer.reasons else verdict
