"""XML signatures: one hardened parser, canonicalisation, signing in place and verification.

Knows XMLDSig and X.509 keys, not Finland: which elements must be covered, by whom and with what key usage is said by
the rooms above. A verified signature hands back the octets that were digested, so a caller never has to look into the
unverified document again.
"""

from sotepki.xmldsig.algorithms import (
    EXCLUSIVE,
    INCLUSIVE,
    Algorithms,
    DigestMethod,
    SignatureMethod,
    Use,
    load_algorithms,
)
from sotepki.xmldsig.canonical import canonical_pieces, canonicalise, filtered_octets
from sotepki.xmldsig.parsing import DEFAULT_LIMITS, XmlDocument, XmlLimits, parse, path_of, read_xml, reread
from sotepki.xmldsig.report import Judgement, rules
from sotepki.xmldsig.signing import (
    DigestedReference,
    SignatureForm,
    SigningKey,
    sign_octets,
    signature_method_for,
)
from sotepki.xmldsig.splicing import (
    attribute_edit,
    before_end_tag,
    before_start_tag,
    element_span,
    empty_element_span,
    spliced,
)
from sotepki.xmldsig.structure import DS, ElementFilter
from sotepki.xmldsig.verification import CoveredElement, SignatureReport, covers_exactly, verify_signature

__all__ = [
    "DEFAULT_LIMITS",
    "DS",
    "EXCLUSIVE",
    "INCLUSIVE",
    "Algorithms",
    "CoveredElement",
    "DigestMethod",
    "DigestedReference",
    "ElementFilter",
    "Judgement",
    "SignatureForm",
    "SignatureMethod",
    "SignatureReport",
    "SigningKey",
    "Use",
    "XmlDocument",
    "XmlLimits",
    "attribute_edit",
    "before_end_tag",
    "before_start_tag",
    "canonical_pieces",
    "canonicalise",
    "covers_exactly",
    "element_span",
    "empty_element_span",
    "filtered_octets",
    "load_algorithms",
    "parse",
    "path_of",
    "read_xml",
    "reread",
    "rules",
    "sign_octets",
    "signature_method_for",
    "spliced",
    "verify_signature",
]
