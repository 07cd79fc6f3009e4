"""Forms of a signature that occur in the field side by side; none of them is better (docs/field/kanta.md 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from cryptography import x509

from sotepki.documents.certificates import SignerCertificate, signer_certificate
from sotepki.documents.family import BodyReference
from sotepki.documents.vocabulary import SignatureKind
from sotepki.registers import Professional
from sotepki.xmldsig import EXCLUSIVE, SignatureForm, SignatureMethod, SigningKey, signature_method_for

SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"


@dataclass(frozen=True)
class SignatureStyle:
    """How a signature is written.

    Attributes:
        timestamp_first: order of the two references.
        enveloped: add the enveloped-signature transform to every reference by identifier.
        prefix: namespace prefix of the signature elements of HL7 Finland; empty for a default namespace.
        ds_prefix: namespace prefix of XML Signature; empty for a default namespace.
        digest_method: identifier of the digest.
        signature_method: None takes the usual one for the key.
        canonicalisation: of SignedInfo, exclusive or inclusive.
        reference_canonicalisation: of the references by identifier.
        body_reference: by ID or by XPath; None takes the family's usual form.
        filter_prefix: prefix in the XPath expression.
    """

    timestamp_first: bool = False
    enveloped: bool = False
    prefix: str = "hl7fi"
    ds_prefix: str = "ds"
    digest_method: str = SHA256
    signature_method: SignatureMethod | None = None
    canonicalisation: str = EXCLUSIVE
    reference_canonicalisation: str = EXCLUSIVE
    body_reference: BodyReference | None = None
    filter_prefix: str = "hl7"

    @property
    def anywhere(self) -> bool:
        """Whether the signature does not depend on where it stands, so that it is made before it is put there."""
        return self.canonicalisation == self.reference_canonicalisation == EXCLUSIVE


USUAL_STYLE = SignatureStyle()


@dataclass(frozen=True)
class Signer:
    """Who signs with what; what is found out about it is kept, since a signer may sign many documents.

    Attributes:
        professional: adds the professional's metadata block to the header.
    """

    kind: SignatureKind
    key: SigningKey = field(repr=False)
    certificate: x509.Certificate
    professional: Professional | None = None
    _forms: dict[SignatureStyle, SignatureForm] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def known(self) -> SignerCertificate:
        """What the certificate says."""
        return signer_certificate(self.certificate)

    @cached_property
    def has_its_key(self) -> bool:
        """Whether the key is the one that the certificate was issued for."""
        return self.key.public_key() == self.certificate.public_key()

    def form(self, style: SignatureStyle) -> SignatureForm:
        """How ds:Signature is written in a style."""
        form = self._forms.get(style)
        if form is None:
            method = style.signature_method or signature_method_for(self.key)
            form = SignatureForm(self.certificate, method, style.ds_prefix, style.canonicalisation)
            self._forms[style] = form
        return form
