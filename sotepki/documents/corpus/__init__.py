"""A corpus of documents that are signed rightly, wrongly and maliciously, with what a verifier should say to each.

The entries are data (``catalogue/*.yaml``): a base document and the steps that change it. Signatures over changed
documents are made by a signer of the corpus's own, so that faults of ``sotepki.xmldsig`` cannot hide in it.
"""

from sotepki.documents.corpus.catalogue import Entry, Importance, catalogue
from sotepki.documents.corpus.making import made_document
from sotepki.documents.corpus.scoring import Answer, Score, run_verifier, score
from sotepki.documents.corpus.world import CorpusWorld
from sotepki.documents.corpus.writing import INDEX, write_corpus

__all__ = [
    "INDEX",
    "Answer",
    "CorpusWorld",
    "Entry",
    "Importance",
    "Score",
    "catalogue",
    "made_document",
    "run_verifier",
    "score",
    "write_corpus",
]
