"""Who a signer is, read from the certificate: the suite makes documents that fit."""

from __future__ import annotations

from cryptography import x509
from cryptography.x509.oid import NameOID

from conformance.sut.facets import SignatureKind, SignerIdentity
from sotepki.errors import Misuse, Refused
from sotepki.identifiers import BusinessId, Hetu, Oid, RegistrationNumber
from sotepki.registers import Organisation, Person, Professional
from sotepki.x509.reading import read_certificates

_TEST_OID = "1.2.246.10.99999999.19.1"
_TEST_HETU = "010181-900C"
_TEST_BUSINESS_ID = "1234567-1"


def signer_identity(data: bytes, kind: SignatureKind, organisation: Organisation | None = None) -> SignerIdentity:
    """The identity in a card's signature certificate or in a system signature certificate.

    What the certificate does not say is filled with values that are recognisably of a test; a card does not say for
    whom its holder works, which is ``organisation`` if it is known.

    Raises:
        Misuse: the certificate cannot be read, or its serialNumber is of another kind.
    """
    try:
        subject = read_certificates(data)[0].subject
        number = _first(subject, NameOID.SERIAL_NUMBER)
        if kind is SignatureKind.SYSTEM:
            return SignerIdentity(_organisation(Oid.parse(number), _first(subject, NameOID.ORGANIZATION_NAME)))
        person = Person(
            Hetu.parse(_TEST_HETU),
            _first(subject, NameOID.GIVEN_NAME) or "Testi",
            _first(subject, NameOID.SURNAME) or "Testaaja",
        )
        professional = Professional(RegistrationNumber.parse(number), person, rights=())
        return SignerIdentity(organisation or _organisation(Oid.parse(_TEST_OID), ""), professional)
    except Refused as error:
        raise Misuse(f"The certificate for {kind} signatures does not say who signs: {error.sentence}") from None


def _organisation(oid: Oid, name: str) -> Organisation:
    return Organisation(
        oid=oid,
        name=name or "Testiorganisaatio",
        business_id=BusinessId.parse(_TEST_BUSINESS_ID),
        kind="test",
        municipality="Helsinki",
        public=True,
    )


def _first(subject: x509.Name, oid: x509.ObjectIdentifier) -> str:
    values = subject.get_attributes_for_oid(oid)
    return str(values[0].value) if values else ""
