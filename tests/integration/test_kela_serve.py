"""``sotepki serve`` as a vendor meets it: real tokens, a real card, curl, signals, and a restart."""

from __future__ import annotations

import base64
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from serve_world import Office, Serving, made_office, serving

from sotepki.identifiers import Oid
from sotepki.services import catalogue

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not shutil.which("curl") or not shutil.which("softhsm2-util"), reason="needs curl and SoftHSM"
    ),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return made_office(tmp_path_factory.mktemp("serve") / "workspace")


@pytest.fixture(scope="module")
def house(office: Office) -> Iterator[Serving]:
    """Every service there is, running once for this module."""
    with serving(office, "--card", office.card_number, "--pins", str(office.pins)) as running:
        yield running


# ------------------------------------------------------------------------------------------------------ the house


def test_every_service_of_the_catalogue_answers(house: Serving) -> None:
    assert set(house.urls) == set(catalogue())
    row = json.loads(house.curl(house.bases["status"] + "/?format=json"))
    assert {one["name"] for one in row["services"]} == set(catalogue())
    assert all(one["healthy"] and one["purpose"] for one in row["services"])
    assert json.loads(house.curl(house.bases["status"] + "/health")) == {"status": "ok", "troubles": {}}
    page = house.curl(house.bases["status"] + "/", "--header", "Accept: text/html")
    assert page.startswith("<!doctype html>") and all(name in page for name in catalogue())


def test_registers_validation_page_and_certificates_of_cas_are_there(house: Serving) -> None:
    organisation = house.office.provider.organisation
    assert organisation.name in house.curl(f"{house.bases['thl-registers']}/organisations/{organisation.oid}")
    assert "Choose a file, or drop one here" in house.curl(house.urls["kela"])
    assert "fetch(" in house.curl(house.urls["kela"] + "/page.js")
    assert "<" in house.curl(house.urls["public-rights"])


def test_a_host_name_of_a_certificate_is_served_by_the_host_header(house: Serving, tmp_path: Path) -> None:
    crl = tmp_path / "list.crl"
    house.curl(
        f"http://proxy.fineid.fi:{house.port('front')}/crl/dvvtshsp3rc.crl",
        *("--resolve", f"proxy.fineid.fi:{house.port('front')}:127.0.0.1", "--output", str(crl), "--fail"),
    )
    assert x509.load_der_x509_crl(crl.read_bytes()).signature
    assert "127.0.0.1 ocsptest.fineid.fi" in house.hosts and "127.0.0.1 kanta.kela.test.example" in house.hosts
    chain, _key = house.office.client_files
    asked = subprocess.run(
        [
            *("openssl", "ocsp", "-issuer", str(_issuer(house, tmp_path)), "-cert", chain, "-noverify"),
            *("-url", f"http://127.0.0.1:{house.port('front')}/dvvtshsp3rc", "-header", "Host=ocsptest.fineid.fi"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ": good" in asked.stdout, asked.stderr
    unknown = house.curl(
        house.bases["front"] + "/crl/x", "--header", "Host: other.example", "--write-out", "%{http_code}"
    )
    assert unknown.endswith("421")


def test_a_page_of_another_site_reads_nothing_here_under_a_name_of_its_own(house: Serving) -> None:
    """DNS rebinding: its name suddenly leads to 127.0.0.1, and the browser takes both for one site."""
    pages = [house.bases["status"] + path for path in ("/", "/?format=json", "/health", "/metrics")]
    pages += [house.urls["kela"], house.bases["kela"] + "/status", house.bases["kela-next"] + "/status"]
    pages += [house.bases["thl-registers"] + "/organisations", house.urls["public-rights"]]
    for page in pages:
        told = house.curl(page, "--header", "Host: rebound.example:8800", "--write-out", "%{http_code}")
        assert told.startswith('{"message"') and told.endswith("421"), page
        assert house.curl(page.replace("127.0.0.1", "localhost"), "--fail", "--ipv4")
    posted = house.curl(
        house.bases["kela"] + "/validation/document",
        *("--header", "Host: rebound.example", "--data-binary", "<x/>", "--write-out", "%{http_code}"),
    )
    assert posted.endswith("421")
    name = f"shvalidaattori.kela.test.example:{house.port('front')}"
    mapped = house.curl(f"http://{name}/validation", "--resolve", f"{name}:127.0.0.1", "--fail")
    assert "Choose a file, or drop one here" in mapped


def _issuer(house: Serving, directory: Path) -> Path:
    der = directory / "ca.crt"
    house.curl(house.bases["publication"] + "/ca/dvvtshsp3rc.crt", "--output", str(der))
    return der


def test_kanta_is_reached_by_the_name_in_its_certificate(house: Serving) -> None:
    name = f"kanta.kela.test.example:{house.port('kanta')}"
    answer = house.as_client(f"https://{name}/nowhere", "--resolve", f"{name}:127.0.0.1")
    assert "kanta.service.path" in answer


def _refused_lines(house: Serving, service: str) -> list[dict[str, object]]:
    """What the request log has of refusals; the line of a request may come a moment after its answer."""
    end = time.monotonic() + 20
    while True:
        whole, _, _ = house.log.read_text(encoding="utf-8").rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines()]
        found = [row for row in lines if row.get("service") == service and row.get("status") in (400, 404)]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def test_each_request_is_one_line_of_json_without_personal_data(house: Serving) -> None:
    marker = "010181-900C"
    house.curl(f"{house.bases['thl-registers']}/organisations/{marker}", "--output", "/dev/null")
    (line,) = _refused_lines(house, "thl-registers")
    assert marker not in house.log.read_text(encoding="utf-8")
    assert (line["method"], line["path"]) == ("GET", "/organisations/{oid}")
    assert {"time", "ms", "bytes", "level"} <= set(line)


def test_metrics_are_in_the_format_of_prometheus(house: Serving) -> None:
    house.send(house.office.frame())
    text = house.curl(house.bases["status"] + "/metrics")
    assert 'sotepki_kanta_answers_total{environment="current",code="AA"}' in text
    seen = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            assert line not in seen, "a metric has one TYPE line and one group"
            seen.add(line)
        else:
            assert re.fullmatch(r'[a-z_]+(\{([a-z]+="[^"\\]*",?)+\})? [0-9.e+-]+', line), line


def test_the_next_version_runs_beside_the_current_one_with_records_of_its_own(house: Serving) -> None:
    document = house.office.document()
    answers = [house.send(house.office.frame(document), name) for name in ("kanta", "kanta-next")]
    assert [answer["code"] for answer in answers] == ["AA", "AA"], answers
    again = house.send(house.office.frame(document), "kanta-next")
    assert (again["code"], again["findings"][-1]["rule"]) == ("AE", "kanta.document.already-archived")
    told = {row["environment"]: row for row in house.command("kanta", "environments")}
    assert set(told["next"]["refuses_by_choice"]) > set(told["current"]["refuses_by_choice"])


def test_a_service_is_down_and_slow_when_the_knob_says_so(house: Serving) -> None:
    url = house.bases["kela"] + "/status?format=json"
    try:
        house.command("fault", "set", "kela", "--down", "unavailable")
        assert house.curl(url, "--write-out", "%{http_code}", "--output", "/dev/null") == "503"
        status = json.loads(house.curl(house.bases["status"] + "/?format=json"))
        assert next(one for one in status["services"] if one["name"] == "kela")["faults"]
    finally:
        house.command("fault", "clear")
    time.sleep(0.2)
    assert house.curl(url, "--write-out", "%{http_code}", "--output", "/dev/null") == "200"


def test_a_page_signs_with_the_real_card_through_the_signature_service(house: Serving) -> None:
    trust = str(house.office.directory / "scs" / "localhost.crt")
    sign = house.bases["scs"] + "/sign"
    assert json.loads(house.curl(house.urls["scs"], "--cacert", trust))["version"] == "1.1"
    content = b"asiakirjan tiiviste"
    body = {
        "version": "1.1",
        "content": base64.b64encode(content).decode(),
        "contentType": "data",
        "hashAlgorithm": "SHA256",
        "signatureType": "signature",
        "selector": {"keyusages": ["nonrepudiation"], "keyalgorithms": ["rsa"]},
    }
    answer = json.loads(house.curl(sign, "--cacert", trust, "--json", json.dumps(body)))
    assert (answer["status"], answer["reasonCode"]) == ("ok", 200), answer
    chain = [x509.load_der_x509_certificate(base64.b64decode(link)) for link in answer["chain"]]
    chain[0].verify_directly_issued_by(chain[1])
    key = chain[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(answer["signature"]), content, padding.PKCS1v15(), hashes.SHA256())


def test_an_organisation_known_by_its_name_and_no_other_may_send(house: Serving) -> None:
    sender, other = house.office.provider.organisation.oid.value, Oid("1.2.246.10.99000034.10.0")
    head, tail = house.office.frame().decode().split("<sender", 1)
    answer = house.send((head + "<sender" + tail.replace(sender, other.value, 1)).encode())
    assert answer["code"] == "AR"
    assert [finding["rule"] for finding in answer["findings"]] == ["kanta.client.organisation-sender"]


def test_the_fhir_corner_answers_in_the_known_shape(house: Serving) -> None:
    url = house.bases["kanta"].replace("127.0.0.1", "localhost") + "/fhir"
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": []}
    head = ("--header", "Content-Type: application/fhir+json", "--data", json.dumps(bundle))
    outcome = json.loads(house.as_client(url, *head))
    codings = [issue["details"]["coding"][0] for issue in outcome["issue"]]
    assert codings[0] == {
        "system": "urn:oid:1.2.246.537.5.40112.2006",
        "code": "4Y00007",
        "display": "Virhe sanoman eheydessä",
    }
    bare = house.as_client(url, *head, "--header", "Authorization: Bearer no-token", "--write-out", "%{http_code}")
    assert bare == "401", "an invalid token is answered without a body"
    assert house.command("kanta", "requests", "--count", "1")[0]["rules"] == ["fhir.token"]
    ident = house.as_client(url, *head, "--output", "/dev/null", "--write-out", "%header{x-request-id}")
    assert Oid.parse(ident.strip())


def test_the_validation_service_answers_in_its_three_forms(house: Serving, tmp_path: Path) -> None:
    document = house.office.document()
    body = tmp_path / "request.json"
    row = {
        "messageId": "7d1f3b84-6c3c-4a3b-9d5e-2b6b9a1f4c11",
        "palveluPyynto": "SP1",
        "level": "1",
        "siirtokehysXml": house.office.frame(document).decode(),
        "asiakirjaXml": document.decode(),
    }
    body.write_text(json.dumps(row), encoding="utf-8")
    url, send = house.bases["kela"], ("--header", "Content-Type: application/json", "--data-binary", f"@{body}")
    path = "/shark-validointi/validoi/asiakirja/tulos"
    assert house.curl(url + path, *send, "--write-out", "%{http_code}") == "200", "an empty body"
    assert json.loads(house.curl(url + "/validation/document", *send))["verdict"] == "valid"
    fhir = house.curl(url + "/validation/document", *send, "--header", "Accept: application/fhir+json")
    assert json.loads(fhir)["resourceType"] == "OperationOutcome"
    row["siirtokehysXml"] = row["siirtokehysXml"].replace("RCMR_TE000102UV01", "x").replace("setId", "noId")
    body.write_text(json.dumps(row), encoding="utf-8")
    assert house.curl(url + path, *send).startswith('{"description": "1. ')


# -------------------------------------------------------------------------------------------------- life and death


def test_stopped_and_killed_services_have_lost_nothing_and_repeat_their_answers(office: Office) -> None:
    frames, only = office.frames(2), ("--only", "publication", "--only", "kanta")
    with serving(office, *only) as first:
        assert set(first.urls) == {"publication", "kanta"}
        answer = first.send(frames[0])
        assert answer["code"] == "AA", answer
        assert first.stop(signal.SIGTERM) == 0
        assert "Stopped." in first.log.read_text(encoding="utf-8")
    with serving(office, *only) as second:
        assert answer["document_id"] in second.document(answer["document_id"])
        assert second.send(frames[0]) == answer, "the same message gets the same acknowledgement"
        killed = second.send(frames[1])
        second.process.kill()
        second.process.wait()
    with serving(office, *only) as third:
        assert killed["document_id"] in third.document(killed["document_id"])
        assert third.stop(signal.SIGINT) == 0


@pytest.mark.parametrize("policy", ["refuse", "accept-with-warning"])
def test_when_ocsp_is_down_the_chosen_policy_is_followed_and_said(office: Office, policy: str) -> None:
    with serving(office, "--only", "kanta", "--ocsp-down", policy) as running:
        answer = running.send(office.frame())
    rules = {finding["rule"] for finding in answer["findings"]}
    assert "kanta.client.status-unavailable" in rules
    assert answer["code"] == ("AR" if policy == "refuse" else "AA")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--card", "000000000"), ""),
        (("--scs", "--pins", "/nowhere"), "no file"),
        (("--kanta-port", "70000"), "70000"),
        (("--only", "nothing"), "There is no service"),
        (("--only", "kela", "--kanta-port", "9"), "the service kanta is not started"),
    ],
)
def test_wrong_usage_is_one_sentence_with_exit_code_1_or_2(
    office: Office, options: tuple[str, ...], sentence: str
) -> None:
    done = _serve(office, *options)
    assert done.returncode in (1, 2)
    assert sentence in done.stderr and "Traceback" not in done.stderr


def test_a_taken_port_is_named_and_nothing_stays_running(house: Serving, office: Office) -> None:
    port = str(house.port("publication"))
    done = _serve(office, "--publication-port", port)
    assert done.returncode == 2
    assert port in done.stderr and "Traceback" not in done.stderr


def _serve(office: Office, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "sotepki", "serve", "--workspace", str(office.directory), "--free-ports"),
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
