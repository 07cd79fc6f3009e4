"""DVV: certificate authorities, Population Information System, Vartti, and the e-service for service certificates."""

from sotepki.dvv.authority import ROOT, SOTE_PERSONS, SOTE_SERVICES, Authorities
from sotepki.dvv.certification import CertificateOrder
from sotepki.dvv.ledger import IssuedCertificate
from sotepki.dvv.population import Population
from sotepki.dvv.publication import publication_app, serve_publication
from sotepki.dvv.registration_points import RegistrationPoints
from sotepki.dvv.request_history import RequestHistory
from sotepki.dvv.service_certificates import ServiceCertificates
from sotepki.dvv.service_certificates_content import ApplicationKind
from sotepki.dvv.service_certificates_delivery import Delivery
from sotepki.dvv.service_certificates_guards import TechnicalContact
from sotepki.dvv.service_certificates_store import Application
from sotepki.dvv.spare_cards import SpareCard, SpareCards
from sotepki.dvv.test_cards import TestCard, TestCards
from sotepki.dvv.vartti import DVV, CardOrder, IdentityProof, Vartti

__all__ = [
    "DVV",
    "ROOT",
    "SOTE_PERSONS",
    "SOTE_SERVICES",
    "Application",
    "ApplicationKind",
    "Authorities",
    "CardOrder",
    "CertificateOrder",
    "Delivery",
    "IdentityProof",
    "IssuedCertificate",
    "Population",
    "RegistrationPoints",
    "RequestHistory",
    "ServiceCertificates",
    "SpareCard",
    "SpareCards",
    "TechnicalContact",
    "TestCard",
    "TestCards",
    "Vartti",
    "publication_app",
    "serve_publication",
]
