"""The catalogue of services: each is one row here, and nothing else in the house names it.

Ports are choices, but for that of the Signature Creation Service. Offices are imported when their service is started.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from cryptography import x509

from sotepki.errors import Misuse, SotepkiError
from sotepki.kela import Kanta, load_settings, server_context
from sotepki.kela.archive_service import ARCHIVE_PATH, archive_application
from sotepki.kela.fhir_service import FHIR_PATH
from sotepki.kela.public_service import PAGE_PATH, public_application
from sotepki.services.applications import APPROVED_APPLICATIONS, approved_applications
from sotepki.services.archive import (
    KANTA_HOST,
    kanta_of,
    kanta_server_chain,
    server_identity,
    trust_of,
    validity_warning,
)
from sotepki.services.front import front_application
from sotepki.services.house import House
from sotepki.services.observing import Sample, by_label
from sotepki.services.publication import fault_board
from sotepki.services.service import Application, Builder, Service
from sotepki.services.status import status_application
from sotepki.services.workstation import workstation_of
from sotepki.x509.status import CertificateState, CertificateStatus

ATTRIBUTE_HOST = "attribuutti.valvira.test.example"
CURRENT, NEXT = "current", "next"


@cache
def catalogue() -> Mapping[str, Service]:
    """Every service by name, in the order in which they are started: who asks another stands after it."""
    return {service.name: service for service in _SERVICES}


def kanta_in(house: House, environment: str) -> Kanta:
    """Kanta of an environment; archive and validation service of one environment are the same Kanta.

    Raises:
        Misuse: the workspace's file of environments lacks it.
    """
    if environment not in house.environments:
        raise Misuse(
            f"There is no Kanta environment {environment!r}.",
            advice=f"There are {', '.join(house.environments)}; see kanta-environments.yaml in the workspace.",
        )
    kantas: dict[str, Kanta] = house.shared.setdefault("kanta", {})  # type: ignore[assignment]
    if environment not in kantas:
        settings = house.environments[environment].settings
        policy = house.options.get("when_status_unavailable")
        if policy is not None:
            settings = replace(settings, when_status_unavailable=policy)  # type: ignore[arg-type]
        kantas[environment] = kanta_of(house.workspace, house.status_lookup, settings)
    return kantas[environment]


def _status(house: House) -> Application:
    return status_application(house)


def _publication(house: House) -> Application:
    from sotepki.dvv.publication.service import publication_app, publication_trouble

    workspace = house.workspace
    app = publication_app(workspace.authorities, workspace.published, workspace.clock, faults=fault_board(workspace))
    return Application(app, any_host=True, health=lambda: publication_trouble(app))


def _archive(environment: str) -> Builder:
    def build(house: House) -> Application:
        kanta = kanta_in(house, environment)
        chain = kanta_server_chain(house.workspace)
        app, tls, service = archive_application(kanta, chain)

        def samples() -> list[Sample]:
            here = {"environment": environment}
            return [
                *by_label("sotepki_kanta_answers_total", "code", service.answered, **here),
                *by_label("sotepki_kanta_handshakes_refused_total", "rule", service.handshakes_refused, **here),
                Sample("sotepki_kanta_commits_total", here, service.groups.groups),
            ]

        warning = validity_warning(house.workspace, chain)
        return Application(app, tls, any_host=True, health=lambda: _trouble(kanta), samples=samples, warning=warning)

    return build


def _kela(environment: str) -> Builder:
    def build(house: House) -> Application:
        kanta = kanta_in(house, environment)
        return Application(public_application(kanta), health=lambda: _trouble(kanta))

    return build


def _trouble(kanta: Kanta) -> str:
    try:
        kanta.requests(1)
    except SotepkiError as error:
        return error.sentence
    return ""


def _public_rights(house: House) -> Application:
    from sotepki.valvira.public_web import public_application as rights_application

    return Application(
        rights_application(house.workspace.valvira, clock=house.workspace.clock, faults=house.faults), fails=True
    )


def _thl(house: House) -> Application:
    from sotepki.thl.public_web import thl_application

    return Application(
        thl_application(house.workspace.thl, clock=house.workspace.clock, faults=house.faults), fails=True
    )


def _attribute(house: House) -> Application:
    from sotepki.valvira.approved_systems import ApprovedSystems
    from sotepki.valvira.attribute_service import attribute_application

    workspace, trust = house.workspace, trust_of(house.workspace.authorities, load_settings())

    def status(certificate: x509.Certificate) -> CertificateStatus:
        for issuer in trust.service_authorities:
            if issuer.subject == certificate.issuer:
                return house.status_lookup(certificate, issuer)
        return CertificateStatus(CertificateState.UNKNOWN)

    app = attribute_application(
        workspace.valvira,
        approved=ApprovedSystems(workspace.records),
        clock=workspace.clock,
        status=status,
        faults=house.faults,
    )
    chain = server_identity(workspace, "attribute", "Valvira TEST", ATTRIBUTE_HOST)
    tls = server_context(chain, (*trust.roots, *trust.service_authorities), lambda _refused: None)
    return Application(app, tls, any_host=True, fails=True, warning=validity_warning(workspace, chain))


def _lookup(house: House) -> Application:
    from sotepki.dvv.vartti.lookup import lookup_application

    workspace, authorities = house.workspace, house.workspace.authorities
    made = set(authorities.made())
    issuers = [authorities.certificate(name) for name in load_settings().signing_authorities if name in made]
    approved = approved_applications(workspace.directory / APPROVED_APPLICATIONS)
    return Application(lookup_application(workspace.records, issuers=issuers, applications=approved))


def _scs(house: House) -> Application:
    from sotepki.scs import ScsHttp, SignatureService, tls_context

    desk = workstation_of(house)
    service = SignatureService(desk.reader, desk.pins, outcome=desk.station.note)
    return Application(ScsHttp(service).application(), tls_context(desk.chain))


def _workstation(house: House) -> Application:
    from sotepki.scs import tls_context

    desk = workstation_of(house)
    return Application(desk.station.application(), tls_context(desk.chain))


def _front(house: House) -> Application:
    return front_application(house)


_SERVICES = (
    Service("status", "this overview: what runs and how it fares (/health, /metrics)", 8800, _status, path="/"),
    Service(
        "publication",
        "revocation lists, CA certificates and OCSP",
        8880,
        _publication,
        hosts=("proxy.fineid.fi", "ocsptest.fineid.fi", "ocsp.fineid.fi"),
    ),
    Service(
        "public-rights", "Valvira's public information service (JulkiTerhikki, JulkiSuosikki)", 8883, _public_rights
    ),
    Service(
        "attribute-service",
        "Valvira's role and attribute service, over mutual TLS for approved systems",
        8445,
        _attribute,
        path="",
        hosts=(ATTRIBUTE_HOST,),
    ),
    Service("thl-registers", "THL's SOTE organisation register, intermediaries and code service", 8884, _thl),
    Service(
        "kanta",
        f"takes message frames over mutual TLS (POST), current version; FHIR corner at {FHIR_PATH}",
        8443,
        _archive(CURRENT),
        path=ARCHIVE_PATH,
        hosts=(KANTA_HOST,),
        spread=True,
    ),
    Service(
        "kanta-next",
        "the same in the next version, with records of its own",
        8444,
        _archive(NEXT),
        path=ARCHIVE_PATH,
        spread=True,
    ),
    Service(
        "kela",
        "validation service: a page to drop a document on, the public service's JSON, requests with their rules",
        8881,
        _kela(CURRENT),
        path=PAGE_PATH,
        hosts=("shvalidaattori.kela.test.example",),
    ),
    Service("kela-next", "the same in the next version", 8882, _kela(NEXT), path=PAGE_PATH),
    Service(
        "vartti-lookup",
        f"Vartti's person lookup for approved applications ({APPROVED_APPLICATIONS} in the workspace)",
        8885,
        _lookup,
    ),
    Service(
        "scs",
        "the Signature Creation Service of a workstation: /version and /sign",
        53952,
        _scs,
        path="/version",
        asked=True,
    ),
    Service("workstation", "reader and PIN pad for the SCS, as a page", 53960, _workstation, path="/", asked=True),
    Service(
        "front",
        "the plain services by the host names of certificates (Host header); best on port 80",
        8080,
        _front,
    ),
)
