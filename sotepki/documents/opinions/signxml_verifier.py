"""signxml, a verifier in Python; imported only when it is asked, since it is no dependency."""

from __future__ import annotations

import re

from lxml import etree

from sotepki.documents.family import family
from sotepki.documents.opinions.question import Question, Saying
from sotepki.documents.vocabulary import finland

_LIMITS = {
    "transform": "signxml does not run the XPath transform of health-care documents.",
    "xpath": "signxml does not run the XPath transform of health-care documents.",
    "sha1": "signxml refuses SHA-1 by its policy; sotepki warns.",
    "digest mismatch": "signxml writes inclusive forms with the namespaces of its own copy of the element.",
    "not allowed": "signxml refuses the algorithm by its policy.",
    "forbidden": "signxml refuses the algorithm by its policy.",
    "inclusive": "signxml writes inclusive forms with the namespaces of its own copy of the element.",
}


def ask(question: Question) -> Saying:
    """Let signxml verify one signature with the certificate that stands in it; it is not asked about the chain."""
    try:
        from signxml.exceptions import SignXMLException
        from signxml.verifier import SignatureConfiguration, XMLVerifier
    except ImportError:
        return Saying(None, "signxml is not installed; 'pip install signxml' adds it.")
    if question.certificate is None:
        return Saying(None, "The signature shows no certificate that can be read.")
    place = "" if not question.family else f"./{'/'.join(family(question.family).carrier.path)}/"
    location = f"{place}{finland('signature')}[{question.signature}]/"
    configuration = SignatureConfiguration(expect_references=True, location=location)
    try:
        XMLVerifier().verify(
            question.document, x509_cert=question.certificate, id_attribute="ID", expect_config=configuration
        )
    except (SignXMLException, ValueError, TypeError, KeyError, LookupError, etree.LxmlError) as error:
        text = re.sub(r"\s+", " ", str(error)) or type(error).__name__
        return Saying(False, f"It says: {text[:250]}", _LIMITS)
    return Saying(True)
