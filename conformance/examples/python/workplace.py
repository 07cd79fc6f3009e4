"""A workplace in Python: cards on a desk, rights, and pages that call an SCS. It needs the package ``cryptography``.

python3 workplace.py        one question on standard input, one answer on standard output
python3 workplace.py PORT   an HTTP endpoint on 127.0.0.1
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import sys
import tempfile
import urllib.error
import urllib.request
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

Row = dict[str, Any]
REFUSALS = {"card.removed": ("removed", "again"), "card.pin.wrong": ("wrong-pin", "again")}
NO_PRESCRIBING = "10"


def step(question: Row, operation: str, **fields: Any) -> Row:
    """One step at the door of the suite, where the card is."""
    body = json.dumps({"operation": operation, **fields}).encode()
    with urllib.request.urlopen(urllib.request.Request(question["door"], body), timeout=30) as answer:
        found: Row = json.load(answer)
    return found


# --- a card that signs documents -----------------------------------------------------------------------------------


def card_sign(question: Row) -> Row:
    """Sign documents; the person is asked for PIN2 before each, and keeps at least one try."""
    signed = []
    for document in question["documents"]:
        if not unlocked(question):
            break
        signed.append(step(question, "sign", document=document)["document"])
    return {"documents": signed}


def unlocked(question: Row) -> bool:
    """Ask for PIN2 until the card takes it."""
    while step(question, "tries")["pin2"] > 1:
        pin = step(question, "ask-pin")["pin"]
        if "error" not in step(question, "verify", pin=pin):
            return True
    return False


# --- cards on a desk -----------------------------------------------------------------------------------------------


def card_desk(question: Row) -> Row:
    """Look at everything first, then ask for the PIN once."""
    filled = [n for n, reader in enumerate(step(question, "readers")["readers"]) if reader["card"]]
    if not filled:
        return {"trouble": "no-card", "way-out": "again"}
    names = [f"reader {number + 1}" for number in filled]
    reader = filled[step(question, "choose", names=names)["choice"]] if len(filled) > 1 else filled[0]
    key = "authentication" if question["task"] == "login" else "signature"
    pem = step(question, "certificate", reader=reader, key=key)["certificate"]
    if pem is None:
        return {"trouble": "no-signature-certificate", "way-out": "new-card"}
    trouble, way_out = looked_at(question, pem)
    if trouble:
        return {"trouble": trouble, "way-out": way_out}
    if step(question, "tries", reader=reader)[key] == 0:
        return {"trouble": "blocked", "way-out": "activation-code"}
    pin = step(question, "ask-pin", key=key)["pin"]
    if pin is None:
        return {"trouble": "cancelled"}
    for done in (
        step(question, "verify", reader=reader, key=key, pin=pin),
        step(question, "sign", reader=reader, key=key, content=question["content"]),
    ):
        if "error" in done:
            trouble, way_out = REFUSALS.get(done["error"], ("other", "none"))
            return {"trouble": trouble, "way-out": way_out}
    return {"signature": done["signature"]}


def looked_at(question: Row, pem: str) -> tuple[str, str]:
    """What stands against the task in the certificate, and the way out of it."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    number = first(certificate, NameOID.SERIAL_NUMBER)
    if number != question["user"] if question["user"] else not (len(number) == 11 and number.isdigit()):
        return "other-holder", "other-card"
    if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
        return "expired", "new-card"
    if question["task"] == "prescribe" and not first(certificate, NameOID.PSEUDONYM):
        return "no-prescriber-id", "other-card"
    if step(question, "status", certificate=pem)["state"] != "good":
        return "revoked", "new-card"
    return "", ""


def first(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    """The first value of a name attribute; empty if there is none."""
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


# --- rights --------------------------------------------------------------------------------------------------------


def rights(question: Row) -> Row:
    """Ask by number before every task."""
    try:
        status, answer = asked(question)
    except (OSError, ValueError):
        return {"allowed": False, "trouble": "not-asked"}
    if status == 503:
        return {"allowed": False, "trouble": "not-asked"}
    held = answer.get("rights", []) if status == 200 else []
    if not held:
        return {"allowed": False, "trouble": "no-right"}
    if question["task"] == "prescribe":
        if not answer.get("prescriberId"):
            return {"allowed": False, "trouble": "no-prescriber"}
        if all(any(limit["code"] == NO_PRESCRIBING for limit in one["restrictions"]) for one in held):
            return {"allowed": False, "trouble": "restricted"}
    return {"allowed": True}


def asked(question: Row) -> tuple[int, Row]:
    """HTTP status and answer of the role and attribute service."""
    context = ssl.create_default_context(cadata="".join(question["roots"]))
    with tempfile.TemporaryDirectory() as place:  # the ssl module reads a key only from a file
        shown = Path(place) / "guest.pem"
        shown.touch(mode=0o600)
        shown.write_text(question["certificate"] + question["key"], encoding="ascii")
        context.load_cert_chain(shown)
    url = f"{question['url']}?registrationNumber={question['number']}"
    request = urllib.request.Request(url, headers={"Accept": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}


# --- pages that call a Signature Creation Service ------------------------------------------------------------------


def scs(question: Row) -> Row:
    """Log in or sign, and believe nothing that comes back unverified."""
    login = question["operation"] == "scs-log-in"
    content = base64.b64decode(question["content"])
    if login:
        content = f"{question['origin']}\n{secrets.token_hex(48)}".encode()
    row = {
        "version": "1.1",
        "selector": {"keyusages": ["digitalSignature" if login else "nonRepudiation"]},
        "content": base64.b64encode(content).decode(),
        "contentType": "data",
        "hashAlgorithm": "SHA256",
        "signatureType": "signature",
    }
    headers = {"Content-Type": "application/json", "Origin": question["origin"]}
    request = urllib.request.Request(f"{question['url']}/sign", json.dumps(row).encode(), headers)
    context = ssl.create_default_context(cadata=question["certificate"])
    try:
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            reason = believed(json.load(answer), content, question)
    except (OSError, ValueError, KeyError, InvalidSignature) as error:
        reason = f"{type(error).__name__}: {error}"
    return {"accepted": not reason, "reason": reason}


def believed(answer: Row, content: bytes, question: Row) -> str:
    """Why an answer is not to be believed; empty if it is."""
    if answer["status"] != "ok":
        return str(answer.get("reasonText") or "refused")
    certificate = x509.load_der_x509_certificate(base64.b64decode(answer["chain"][0]))
    known = [x509.load_pem_x509_certificate(pem.encode()) for pem in question["intermediates"]]
    issuer = next((one for one in known if one.subject == certificate.issuer), None)
    if issuer is None:
        return "the certificate is of nobody known"
    certificate.verify_directly_issued_by(issuer)
    key, signature = certificate.public_key(), base64.b64decode(answer["signature"])
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    return ""


# --- questions and answers -----------------------------------------------------------------------------------------

OPERATIONS = {"card-sign": card_sign, "card-desk": card_desk, "rights": rights, "scs-log-in": scs, "scs-sign": scs}


def answer_to(question: Row) -> Row:
    """The answer to any question; one that is not known gets an answer too."""
    operation = OPERATIONS.get(str(question.get("operation")))
    return operation(question) if operation else {"error": f"unknown operation {question.get('operation')}"}


class Handler(BaseHTTPRequestHandler):
    """One question in, one answer out."""

    def do_POST(self) -> None:
        """Answer a question."""
        body = json.dumps(answer_to(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
        print(server.server_address[1], flush=True)
        server.serve_forever()
    else:
        json.dump(answer_to(json.load(sys.stdin)), sys.stdout)
