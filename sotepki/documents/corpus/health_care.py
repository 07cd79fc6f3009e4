"""A small health-care document with the XPath form of reference, signed by the corpus's own signer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from sotepki.documents.corpus.resigning import D, resign, text64
from sotepki.xmldsig import DS, EXCLUSIVE

if TYPE_CHECKING:
    from sotepki.documents.corpus.world import Identity

_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_DOCUMENT = f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:hl7fi="urn:hl7finland" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" classCode="DOCCLIN" moodCode="EVN">
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <id root="1.2.246.10.12345671.93.2026.2"/>
  <code code="3" codeSystem="1.2.246.537.6.12.2002"/>
  <title>TESTI Hoitokertomus</title>
  <effectiveTime value="20260301110530+0200"/>
  <setId root="1.2.246.10.12345671.93.2026.2"/>
  <versionNumber value="1"/>
  <recordTarget><patientRole><id root="1.2.246.21" extension="010181-900C"/></patientRole></recordTarget>
  <author><time value="20260301110530+0200"/><assignedAuthor><id root="1.2.246.537.26" extension="12345678901"/></assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.246.10.12345671.10.0"/></representedCustodianOrganization></assignedCustodian></custodian>
  <componentOf><encompassingEncounter><id root="1.2.246.10.12345671.93.2026.3"/></encompassingEncounter></componentOf>
  <hl7fi:localHeader><hl7fi:declaredTime value="20260301110530+0200"/><hl7fi:softwareSupport product="sotepki TEST">TEST</hl7fi:softwareSupport><hl7fi:signatureCollection><hl7fi:signature ID="OID1.2.246.10.12345671.93.2026.2.20260301.091530123"><hl7fi:signatureDescription code="1" codeSystem="1.2.246.537.5.40127.2006" displayName="Ammattihenkilön allekirjoitus"/><hl7fi:signatureTimestamp ID="ID2026.03.01.11.15.30.0123">2026-03-01T11:15:30+02:00</hl7fi:signatureTimestamp><ds:Signature xmlns:ds="{DS}" Id="MPS_1"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{EXCLUSIVE}"/><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><ds:XPath xmlns:hl7="urn:hl7-org:v3">ancestor-or-self::hl7:structuredBody</ds:XPath></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="{_SHA256}"/><ds:DigestValue/></ds:Reference><ds:Reference URI="#ID2026.03.01.11.15.30.0123"><ds:Transforms><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms><ds:DigestMethod Algorithm="{_SHA256}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate/></ds:X509Data></ds:KeyInfo></ds:Signature></hl7fi:signature></hl7fi:signatureCollection></hl7fi:localHeader>
  <component>
    <structuredBody>
      <component>
        <section xsi:type="S"><title>Hoidon tarve</title><text>TESTI: kuume, ä &amp; &lt;</text></section>
      </component>
    </structuredBody>
  </component>
</ClinicalDocument>
"""  # noqa: E501 (no white space may stand between the parts of a signature)


def health_care_document(signer: Identity) -> bytes:
    """A signed patient-record document of the shape of 2015 (docs/field/kanta.md 3.1, 3.2)."""
    root = etree.fromstring(_DOCUMENT.encode())
    signature = next(root.iter(f"{D}Signature"))
    certificate = next(signature.iter(f"{D}X509Certificate"))
    certificate.text = text64(signer.certificate.public_bytes(Encoding.DER))
    resign(signature, signer.key)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
