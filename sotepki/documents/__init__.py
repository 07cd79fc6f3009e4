"""Kanta documents: making them, signing them in place, verifying them, and the message frames around them.

The family built here is the social-welfare CDA document of 2026 (docs/field/kanta.md 3.1, 5).
"""

from sotepki.documents.building import (
    DocumentKind,
    build_social_document,
    document_kind,
    document_kinds,
)
from sotepki.documents.content import BodyContent
from sotepki.documents.frame import Frame, build_frame, check_frame, open_frame
from sotepki.documents.report import (
    DocumentReport,
    StatusQuestion,
    VerificationContext,
    VerifiedSignature,
    rules,
)
from sotepki.documents.signing import (
    SignatureStyle,
    Signer,
    sign_as_professional,
    sign_as_system,
    sign_document,
)
from sotepki.documents.verification import verify_document
from sotepki.documents.vocabulary import SignatureKind

__all__ = [
    "BodyContent",
    "DocumentKind",
    "DocumentReport",
    "Frame",
    "SignatureKind",
    "SignatureStyle",
    "Signer",
    "StatusQuestion",
    "VerificationContext",
    "VerifiedSignature",
    "build_frame",
    "build_social_document",
    "check_frame",
    "document_kind",
    "document_kinds",
    "open_frame",
    "rules",
    "sign_as_professional",
    "sign_as_system",
    "sign_document",
    "verify_document",
]
