"""A verifier in Python: xmlsec1 looks at the signature and the chain, and at nothing else.

python3 verifier.py        one question on standard input, one answer on standard output
python3 verifier.py PORT   an HTTP endpoint on 127.0.0.1
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

IDS = ("urn:hl7-org:v3:nonXMLBody", "urn:hl7finland:signatureTimestamp")


def verify(question: dict[str, object], place: Path) -> dict[str, object]:
    """Answer one question; ``place`` is an empty directory."""
    # Keys come from certificates only: xmlsec1 would also take a bare key out of the document, and anybody has one.
    command = ["xmlsec1", "--verify", "--enabled-key-data", "x509"]
    command += [part for name in IDS for part in ("--id-attr:ID", name)]
    for option, key in (("--trusted-pem", "roots"), ("--untrusted-pem", "intermediates")):
        pems = question[key]
        assert isinstance(pems, list)
        for number, pem in enumerate(pems):
            file = place / f"{key}{number}.pem"
            file.write_text(pem, encoding="ascii")
            command += [option, str(file)]
    document = place / "document.xml"
    document.write_bytes(base64.b64decode(str(question["document"])))
    done = subprocess.run([*command, str(document)], capture_output=True, text=True, check=False)
    return {"accepted": done.returncode == 0, "reasons": done.stderr.splitlines()[:3]}


def answer(question: dict[str, object]) -> dict[str, object]:
    """The answer to any question; one that is not known gets an answer too."""
    if question.get("operation") != "verify":
        return {"error": f"unknown operation {question.get('operation')}"}
    with tempfile.TemporaryDirectory() as place:
        return verify(question, Path(place))


class Handler(BaseHTTPRequestHandler):
    """One question in, one answer out."""

    def do_POST(self) -> None:
        """Answer a question."""
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = json.dumps(answer(question)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""


def serve(port: int) -> None:
    """Answer questions until it is ended; prints the port, which is chosen by the machine if ``port`` is 0."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(int(sys.argv[1]))
    else:
        json.dump(answer(json.load(sys.stdin)), sys.stdout)
