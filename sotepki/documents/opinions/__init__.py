"""What other verifiers say to the same document, and why they disagree with ours."""

from sotepki.documents.opinions.comparing import Opinion, Outcome, opinions_of, verifiers

__all__ = ["Opinion", "Outcome", "opinions_of", "verifiers"]
