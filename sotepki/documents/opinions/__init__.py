"""What other verifiers say to the same document, and why they disagree with ours."""

from sotepki.documents.opinions.comparing import Opinion, opinions_of, verifiers

__all__ = ["Opinion", "opinions_of", "verifiers"]
