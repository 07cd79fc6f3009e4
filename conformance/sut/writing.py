"""Writing the TOML file of a system (``sotepki conformance init``): every key with a word about it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from sotepki.errors import Misuse

_HEAD = """\
# What the conformance suite tests. Take out what you do not attach; paths count from this file.
# Check it with:  sotepki conformance doctor --sut THIS-FILE
# Run it with:    sotepki conformance run --sut THIS-FILE --report report
name = "{name}"

[system]                            # chooses the cases; leave out for all of them
# class = "A2"                      # A1, A2, A3, wellbeing or B
# roles = ["producer", "sender"]    # applicant, card-user, producer, reader, sender
"""

_PARTS = {
    "trust": """\
[trust]                             # the authorities that your certificates come from
certificates = ["ca/*.pem"]         # root and issuing authorities, PEM or DER
crls = ["crl/*.crl"]                # without them revocation of your certificates is not judged
# workspace = "../workspace"        # instead of both: the authorities of a sotepki workspace
""",
    "certificates": """\
[certificates]                      # your own, any of them
server = "server.crt"
system-signature = "system.crt"
card-authentication = "card-auth.crt"
card-signature = "card-sign.crt"
""",
    "earlier-certificates": """\
[earlier-certificates]              # those that the present ones replaced
server = "server-old.crt"
system-signature = "system-old.crt"
""",
    "csrs": """\
[csrs]                              # certificate requests
server = "server.csr"
system-signature = "system.csr"
""",
    "documents": """\
[documents]                         # signed documents that your system made: every *.xml of the directory
directory = "documents"             # only 900-series identity codes may be in them
""",
    "frames": """\
[frames]                            # message frames likewise
directory = "frames"
""",
    "sign": """\
[sign]                              # signs a document; docs/conformance.md describes question and answer
command = ["./sign.sh"]             # or url = "http://127.0.0.1:8080/sign"
kinds = ["professional", "system"]  # which signatures it makes; [certificates] says who signs
timeout = 30                        # seconds for one answer
""",
    "frame": """\
[frame]                             # puts a signed document into a message frame
command = ["./frame.sh"]            # or url
""",
    "verify": """\
[verify]                            # says whether a document is to be accepted
command = ["python3", "verify.py"]  # or url = "https://127.0.0.1:8443/verify" with ca = "ca.pem"
timeout = 30
""",
    "client": """\
[client]                            # your running client; a person makes it send when the suite says so
operator = true                     # or command = ["./send.sh"], or url
timeout = 120                       # seconds to wait; a case that waited in vain can be resumed
handover = "handover"               # here lies what it must trust for the test
""",
    "card": """\
[card]                              # signs documents with a card that the suite lends
command = ["python3", "workplace.py"]  # or url; or operator = true: a person signs and says what happened
timeout = 60
""",
    "card-desk": """\
[card-desk]                         # logs in, signs and prescribes with the cards on a desk
command = ["python3", "workplace.py"]  # or url, or operator = true
timeout = 60
""",
    "tls-server": """\
[tls-server]                        # your TLS endpoint
address = "127.0.0.1:8443"
# name = "palvelu.test.example"     # what its certificate must bear, if it is not the host
client-certificate = true           # it lets in only clients with a certificate
timeout = 10                        # seconds that it may take to answer
""",
    "token": """\
[token]                             # a PKCS#11 module with a test key, also one for a card in a PC/SC reader
module = "/usr/lib/softhsm/libsofthsm2.so"
label = "test-token"                # of the token
pin-file = "pin.txt"                # holds the PIN; is never copied into a report
""",
    "scs": """\
[scs]                               # your Signature Creation Service; a person handles the card
url = "https://localhost:53952"
ca = "scs-ca.pem"                   # PEM of whoever issued its certificate
versions = ["1.1"]
""",
    "scs-user": """\
[scs-user]                          # your web system, which calls a Signature Creation Service
command = ["python3", "workplace.py"]  # or url, or operator = true
origin = "https://potilas.test.example"  # of your pages
""",
    "rights": """\
[rights]                            # decides what a professional may do, by our role and attribute service
command = ["python3", "workplace.py"]  # or url, or operator = true
proceeds-unasked = false            # true if it lets people work when the service does not answer
""",
    "paperwork": """\
[paperwork]                         # paperwork.yaml in this directory, as conformance/examples/paperwork/ has it
directory = "paperwork"
""",
}


def parts() -> tuple[str, ...]:
    """The names of the parts that can be attached, in the order of the file."""
    return tuple(_PARTS)


def description(name: str, chosen: Sequence[str]) -> str:
    """The TOML file of a system with the chosen parts; with all of them, commented out, if none is chosen.

    Raises:
        Misuse: there is no such part.
    """
    for part in chosen:
        if part not in _PARTS:
            near = get_close_matches(part, _PARTS, n=1)
            advice = f"Did you mean {near[0]}?" if near else f"There is {', '.join(_PARTS)}."
            raise Misuse(f"There is no part {part!r} of a system.", advice=advice, subject=part)
    wanted = [text if part in chosen else _commented(text) for part, text in _PARTS.items()]
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join([_HEAD.replace("{name}", "".join(c for c in quoted if c.isprintable())), *wanted])


def _commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())
