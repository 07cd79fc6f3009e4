"""Kanta documents: making them, signing them in place, verifying them, and the message frames around them.

The families are social-welfare documents, patient records and prescriptions (``families/*.yaml``,
docs/field/kanta.md 3.1).
"""

from sotepki.documents.building import (
    DocumentKind,
    build_social_document,
    document_kind,
    document_kinds,
)
from sotepki.documents.building_health import Medicine, build_patient_record, build_prescription, medicines
from sotepki.documents.content import BodyContent
from sotepki.documents.correcting import correct_document
from sotepki.documents.family import BodyReference, Family, families
from sotepki.documents.frame import Frame, build_frame, open_frame
from sotepki.documents.frame_checks import check_frame, is_frame
from sotepki.documents.making import build_document, family_of_kind, kinds_of_documents
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
    sign_as_kanta,
    sign_as_professional,
    sign_as_system,
    sign_carefully,
    sign_document,
)
from sotepki.documents.verification import unread, verify_document
from sotepki.documents.vocabulary import SignatureKind

__all__ = [
    "BodyContent",
    "BodyReference",
    "DocumentKind",
    "DocumentReport",
    "Family",
    "Frame",
    "Medicine",
    "SignatureKind",
    "SignatureStyle",
    "Signer",
    "StatusQuestion",
    "VerificationContext",
    "VerifiedSignature",
    "build_document",
    "build_frame",
    "build_patient_record",
    "build_prescription",
    "build_social_document",
    "check_frame",
    "correct_document",
    "document_kind",
    "document_kinds",
    "families",
    "family_of_kind",
    "is_frame",
    "kinds_of_documents",
    "medicines",
    "open_frame",
    "rules",
    "sign_as_kanta",
    "sign_as_professional",
    "sign_as_system",
    "sign_carefully",
    "sign_document",
    "unread",
    "verify_document",
]
