"""XML signatures: one hardened parser, canonicalisation, signing in place and verification.

Knows XMLDSig and X.509 keys, not Finland: which elements must be covered, by whom and with what key usage is said by
the rooms above. A verified signature hands back the octets that were digested, so a caller never has to look into the
unverified document again.
"""

from sotepki.xmldsig.algorithms import Algorithms, DigestMethod, SignatureMethod, Use, load_algorithms
from sotepki.xmldsig.canonical import canonicalise, digest_of
from sotepki.xmldsig.parsing import DEFAULT_LIMITS, XmlDocument, XmlLimits, parse, path_of, read_xml
from sotepki.xmldsig.report import Judgement, rules
from sotepki.xmldsig.signing import DigestedReference, SigningKey, signature_method_for, signature_text
from sotepki.xmldsig.splicing import before_end_tag, before_start_tag, empty_element_span, spliced
from sotepki.xmldsig.structure import DS
from sotepki.xmldsig.verification import CoveredElement, SignatureReport, covers_exactly, verify_signature

__all__ = [
    "DEFAULT_LIMITS",
    "DS",
    "Algorithms",
    "CoveredElement",
    "DigestMethod",
    "DigestedReference",
    "Judgement",
    "SignatureMethod",
    "SignatureReport",
    "SigningKey",
    "Use",
    "XmlDocument",
    "XmlLimits",
    "before_end_tag",
    "before_start_tag",
    "canonicalise",
    "covers_exactly",
    "digest_of",
    "empty_element_span",
    "load_algorithms",
    "parse",
    "path_of",
    "read_xml",
    "rules",
    "signature_method_for",
    "signature_text",
    "spliced",
    "verify_signature",
]
