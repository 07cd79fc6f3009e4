"""The card's two faces as one SVG, to print or to show: clearly TEST, with what a real card shows on its front.

Front: validity, card number, registration number, surname, given name, profession title; personnel and actor cards
have name and job title instead; back: card serial number (docs/field/registration.md 2 row card front: confirmed).
The drawing is our own and resembles no real card.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from sotepki.card.kinds import CardKind, KeyUse, card_kind
from sotepki.card.shelf import CardContent
from sotepki.clock import finnish_day

# ISO/IEC 7810 ID-1, in tenths of a millimetre.
_WIDTH, _HEIGHT, _MARGIN, _GAP = 856, 540, 40, 60
_LONGEST_TEXT = 120
_NUMBER = "Kortin numero / Kortets nummer / Card number"
_NOTES = (
    "Testikortti: ei henkilöllisyyden osoitus, avaimet eivät kelpaa mihinkään oikeaan.",
    "Testkort: inget identitetsbevis, nycklarna duger inte till något verkligt.",
    "Test card: no proof of identity, its keys are good for nothing real.",
)


@dataclass(frozen=True)
class CardFace:
    """What is printed on a card; an empty text leaves its line out. ``valid_to`` None: nothing is on the card yet."""

    kind: CardKind
    number: str
    surname: str
    given_name: str
    title: str
    registration_number: str
    valid_to: datetime | None
    printed_as: str = ""

    def svg(self) -> bytes:
        """Both faces below each other, one file without references to others."""
        height = 2 * _HEIGHT + _GAP
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH / 10}mm" height="{height / 10}mm" '
            f'viewBox="0 0 {_WIDTH} {height}" font-family="Helvetica, Arial, sans-serif">\n'
            f"<title>TEST {_clean(self.kind.title_en)} {_clean(self.number)}</title>\n"
            f"{self._front()}"
            f'<g transform="translate(0 {_HEIGHT + _GAP})">\n{self._back()}</g>\n'
            "</svg>\n"
        ).encode()

    def _front(self) -> str:
        registered = self.kind.id == "professional"  # the other kinds show name and job title
        rows = [
            ("Sukunimi / Efternamn / Surname", self.surname),
            ("Etunimi / Förnamn / Given name", self.given_name),
            ("Ammatti / Yrke / Profession" if registered else "Tehtävänimike / Titel / Job title", self.title),
            ("Rekisteröintinumero / Registreringsnummer", self.registration_number if registered else ""),
            (_NUMBER, self.number),
            ("Voimassa / Giltigt / Valid to", f"{finnish_day(self.valid_to):%d.%m.%Y}" if self.valid_to else ""),
        ]
        if not self.surname and not self.given_name and self.printed_as:
            rows[0] = ("Nimi / Namn / Name", self.printed_as)
        lines, at = [], 160
        for label, value in rows:
            if value:
                lines += [_text(300, at, 15, label, "#5b6470"), _text(300, at + 29, 27, value, "#10151c", 516)]
                at += 62
        return (
            f"{_plate('#f4efe2', '#b7472a')}{_text(_MARGIN, 62, 26, self.kind.title_fi, '#10151c', 600, bold=True)}"
            f"{_text(_MARGIN, 91, 20, self.kind.title_sv, '#39424e', 600)}"
            f"{_text(_MARGIN, 116, 17, self.kind.title_en, '#39424e', 600)}"
            '<rect x="40" y="160" width="200" height="250" rx="8" fill="#dcd6c6" stroke="#8d8878"/>\n'
            f"{_text(92, 292, 22, 'TEST', '#8d8878')}"
            '<rect x="40" y="440" width="76" height="62" rx="10" fill="#d9b44a" stroke="#8a6d1c"/>\n'
            '<path d="M40 461h76M40 481h76M66 440v62M90 440v62" stroke="#8a6d1c" fill="none"/>\n'
            f"{''.join(lines)}{_stamp(_HEIGHT - 34)}"
        )

    def _back(self) -> str:
        notes = "".join(_text(_MARGIN, 440 + 28 * row, 19, note, "#39424e", 776) for row, note in enumerate(_NOTES))
        return (
            f"{_plate('#eceff3', '#2f5d8a')}"
            f"{_text(_MARGIN, 80, 17, _NUMBER, '#5b6470')}"
            f"{_text(_MARGIN, 122, 36, self.number, '#10151c', 520, bold=True)}"
            f"{notes}{_stamp(340)}"
        )


def face_of(content: CardContent) -> CardFace:
    """The face of a card, by its signature certificate (or the authentication certificate) and its kind."""
    leaf = content.leaves.get(KeyUse.SIGNATURE) or content.leaves.get(KeyUse.AUTHENTICATION)
    certificate = leaf.contents if leaf else None
    return CardFace(
        kind=card_kind(content.state.kind),
        number=content.number,
        surname=_attribute(certificate, NameOID.SURNAME),
        given_name=_attribute(certificate, NameOID.GIVEN_NAME),
        title=_attribute(certificate, NameOID.TITLE),
        registration_number=_attribute(certificate, NameOID.SERIAL_NUMBER),
        valid_to=certificate.not_valid_after_utc if certificate else None,
        printed_as=content.holder,
    )


def _attribute(certificate: x509.Certificate | None, oid: ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid) if certificate else []
    return str(found[0].value) if found else ""


def _plate(ground: str, edge: str) -> str:
    return (
        f'<rect x="2" y="2" width="{_WIDTH - 4}" height="{_HEIGHT - 4}" rx="32" fill="{ground}" stroke="{edge}" '
        f'stroke-width="4"/>\n'
    )


def _stamp(y: int) -> str:
    return (
        f'<text x="{_WIDTH - 30}" y="{y}" font-size="120" font-weight="bold" fill="#c0392b" '
        'fill-opacity="0.32" text-anchor="end">TEST</text>\n'
    )


def _text(x: int, y: int, size: int, text: str, colour: str, room: int = 0, *, bold: bool = False) -> str:
    shown = _clean(text)
    # Letters are about half as wide as they are high; what would run out of its room is squeezed into it.
    squeezed = (
        f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if room and len(text) * size * 0.55 > room else ""
    )
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{weight}{squeezed}>{shown}</text>\n'


def _clean(text: str) -> str:
    shown = text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
    return escape("".join(character if character.isprintable() else "?" for character in shown), {'"': "&quot;"})
