"""DVV: certificate authorities, Population Information System, Vartti, and the e-service for service certificates."""

from sotepki.dvv.authority.authorities import ROOT, SOTE_PERSONS, SOTE_SERVICES, Authorities
from sotepki.dvv.authority.certification import CertificateOrder
from sotepki.dvv.authority.ledger import IssuedCertificate
from sotepki.dvv.population import Population
from sotepki.dvv.publication.request_history import RequestHistory
from sotepki.dvv.registration.card_signature import CardSignature, sign_with_card
from sotepki.dvv.registration.contract_store import Contract
from sotepki.dvv.registration.contracts import Contracts
from sotepki.dvv.registration.office import RegistrationOffice
from sotepki.dvv.registration.points import RegistrationPoints
from sotepki.dvv.registration.registrar_course import RegistrarCourse
from sotepki.dvv.service_certificates.case import TechnicalContact
from sotepki.dvv.service_certificates.content import ApplicationKind
from sotepki.dvv.service_certificates.customer import CardLogin, Processed, ServiceCertificates
from sotepki.dvv.service_certificates.delivery import Delivery
from sotepki.dvv.service_certificates.store import Application
from sotepki.dvv.vartti.office import DVV, CardOrder, CardRequest, Employment, IdentityProof, Vartti
from sotepki.dvv.vartti.spare_cards import SpareCard, SpareCards
from sotepki.dvv.vartti.test_cards import TestCard, TestCards

__all__ = [
    "DVV",
    "ROOT",
    "SOTE_PERSONS",
    "SOTE_SERVICES",
    "Application",
    "ApplicationKind",
    "Authorities",
    "CardLogin",
    "CardOrder",
    "CardRequest",
    "CardSignature",
    "CertificateOrder",
    "Contract",
    "Contracts",
    "Delivery",
    "Employment",
    "IdentityProof",
    "IssuedCertificate",
    "Population",
    "Processed",
    "RegistrarCourse",
    "RegistrationOffice",
    "RegistrationPoints",
    "RequestHistory",
    "ServiceCertificates",
    "SpareCard",
    "SpareCards",
    "TechnicalContact",
    "TestCard",
    "TestCards",
    "Vartti",
    "sign_with_card",
]
