"""THL's registers over HTTP: pages, versions, languages, Valveri's delay, and no 500 ever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from databases import database_url
from http_world import ask, worst_status
from registers_world import Registers, open_registers

from sotepki.identifiers import Oid
from sotepki.loopback import running
from sotepki.serving.faults import ServiceFaultBoard, ServiceFaults
from sotepki.serving.history import RequestHistory
from sotepki.thl.public_web import NAME, thl_application

COUNTY = "1.2.246.10.99000018.10.0"
RIGHTS = "1.2.246.537.6.140.2008"


@dataclass(frozen=True)
class Service:
    registers: Registers
    faults: ServiceFaultBoard
    url: str

    def get(self, path: str) -> Any:
        reply = ask(self.url, path)
        assert reply.status == 200, reply.text
        return reply.json


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    faults = ServiceFaultBoard()
    with open_registers(database_url(tmp_path / "registers.db"), tmp_path / "outbox") as registers:
        app = thl_application(
            registers.thl, clock=registers.clock, faults=faults, history=RequestHistory(), refresh_seconds=None
        )
        with running(app) as url:
            yield Service(registers, faults, url)


def test_pages_put_together_are_the_register(service: Service) -> None:
    """A system that loads the register page by page would miss organisations or have them twice."""
    path, seen = "/organisations?limit=7", []
    while path:
        page = service.get(path)
        assert page["total"] == service.registers.thl.count()
        seen += [one["oid"] for one in page["items"]]
        path = f"/organisations{page['next']}" if page["next"] else ""
    assert seen == [one.oid.value for one in service.registers.thl.organisations()]
    counted = service.get("/organisations?limit=0")
    assert (counted["items"], counted["total"], counted["next"]) == ([], len(seen), None)


def test_the_bare_address_names_the_lists(service: Service) -> None:
    """It is what 'sotepki serve' prints, and where somebody begins who does not know the interface."""
    for path in service.get("/")["lists"]:
        assert service.get(path)["items"] is not None


def test_an_organisation_with_its_long_name_and_its_units(service: Service) -> None:
    hospital = service.get("/organisations/1.2.246.10.99000018.10.1000")
    assert hospital["long_name"].startswith("Tunturilaakson hyvinvointialue TEST, ")
    assert hospital["parent"] == COUNTY
    assert len(service.get(f"/organisations/{COUNTY}/units")["items"]) == 4
    assert service.get("/organisations?name=TUNTURI")["total"] == 3
    assert service.get("/organisations?business_id=9900001-8&kind=hospital")["total"] == 2


def test_kanta_intermediaries_are_a_register_of_their_own(service: Service) -> None:
    thl = service.registers.thl
    expected = [one.oid.value for one in thl.organisations() if one.kanta_intermediary]
    assert [one["oid"] for one in service.get("/intermediaries")["items"]] == expected
    thl.set_kanta_intermediary(Oid(COUNTY), intermediary=True, actor="x")
    assert COUNTY in [one["oid"] for one in service.get("/intermediaries")["items"]]


def test_codes_by_oid_and_version_in_three_languages(service: Service) -> None:
    system = service.get(f"/codesystems/{RIGHTS}")
    assert (system["version"], system["codes"]) == ("TEST-1", system["total"])
    assert set(system["items"][0]["name"]) == {"fi", "sv", "en"}
    assert system["items"][0]["grade"]
    swedish = service.get(f"/codesystems/{RIGHTS}/versions/TEST-1/codes/001?lang=sv")
    assert swedish["name"] == {"sv": "Legitimerad läkare"}
    assert {one["oid"] for one in service.get("/codesystems?limit=1000")["items"]} >= {RIGHTS}


def test_a_stale_service_tells_what_was(service: Service) -> None:
    thl = service.registers.thl
    county = thl.organisation(Oid(COUNTY))
    assert county is not None
    service.registers.advance(hours=1)
    thl.change_organisation(replace(county, name="Uusi nimi TEST"), actor="x")
    assert service.get(f"/organisations/{COUNTY}")["name"] == "Uusi nimi TEST"
    service.faults.set(NAME, ServiceFaults(stale_hours=0.5))
    assert service.get(f"/organisations/{COUNTY}")["name"] == county.name
    assert service.get("/organisations?name=uusi%20nimi")["total"] == 0


@pytest.mark.parametrize(
    ("path", "status", "rule"),
    [
        ("/organisations/1.2.246.10.1.10.0", 404, "thl.organisation.known"),
        ("/organisations/x", 400, "identifier.oid.form"),
        ("/organisations?business_id=1", 400, "identifier.business-id.form"),
        ("/organisations?hetu=1", 400, ""),
        ("/organisations?limit=1001", 400, ""),
        ("/codesystems/1.2.3", 404, "thl.code.system-known"),
        (f"/codesystems/{RIGHTS}/versions/9", 404, "thl.code.system-known"),
        (f"/codesystems/{RIGHTS}/codes/none", 404, "thl.code.system-known"),
        (f"/codesystems/{RIGHTS}?lang=de", 400, ""),
        ("/nothing", 404, ""),
    ],
)
def test_a_wrong_question_is_told_what_was_wrong(service: Service, path: str, status: int, rule: str) -> None:
    reply = ask(service.url, path)
    assert (reply.status, reply.json["rule"]) == (status, rule)
    assert reply.json["message"]


def test_a_wrong_method_is_405_with_the_right_ones(service: Service) -> None:
    reply = ask(service.url, "/organisations", method="DELETE")
    assert reply.status == 405 and "GET" in reply.headers["allow"]


def test_no_rubbish_gives_a_500(service: Service) -> None:
    status, what = worst_status(service.url, ("/organisations",))
    assert status < 500, what
