"""The letter with the activation code (aktivointitunnuslukukirje), as text: Finnish, then Swedish, then English.

What the letter says of the card is its holder and number and nothing else; the code stands at the lower right
(docs/field/registration.md 6 row letter layout: inferred).
"""

from __future__ import annotations

import unicodedata
from datetime import date
from textwrap import wrap

from sotepki.card.kinds import CardKind, Credential, card_kind
from sotepki.tokens.pin import Pin

_WIDTH = 76


def pin_letter(
    *,
    holder: str,
    card_number: str,
    activation_code: Pin,
    sent: date,
    address: str = "",
    kind: str = "professional",
) -> bytes:
    """The letter in UTF-8, lines of at most 76 characters.

    Args:
        holder: the holder's name.
        card_number: the number on the card.
        activation_code: the code; besides the card's chip and DVV's sealed store, only this letter has it.
        sent: day of the letter.
        address: where it goes; parts separated by commas become lines.
        kind: id of the kind of card.
    """
    card = card_kind(kind)
    lines = [
        "TEST TEST TEST  Tämä on testikirje. Detta är ett testbrev. This is a TEST letter.",
        "",
        *_envelope(holder, address, sent),
        "",
        "AKTIVOINTITUNNUSLUKUKIRJE / KODBREV / ACTIVATION CODE LETTER",
        "",
        f"{'Kortin haltija / Kortinnehavare / Card holder':<48}{holder}",
        f"{'Kortin numero / Kortets nummer / Card number':<48}{card_number}",
        "",
        *_paragraph(_finnish(card)),
        *_paragraph(_swedish(card)),
        *_paragraph(_english(card)),
        f"{'Aktivointitunnusluku / Aktiveringskod / Activation code':>{_WIDTH}}",
        f"{activation_code.reveal():>{_WIDTH}}",
        "",
        "TEST",
    ]
    return ("\n".join(_safe(line) for line in lines) + "\n").encode()


def _finnish(card: CardKind) -> str:
    return (
        f"{card.title_fi}. Ota kortti käyttöön kortinlukijaohjelmistolla: syötä aktivointitunnusluku ja valitse "
        f"kortille perustunnusluku (PIN1, {_digits(card, Credential.PIN1)} numeroa) ja allekirjoitustunnusluku "
        f"(PIN2, {_digits(card, Credential.PIN2)} numeroa). Samalla tunnusluvulla avaat lukkiutuneen tunnusluvun. "
        f"Tunnusluku lukkiutuu, kun se annetaan väärin {card.tries[Credential.PIN1]} kertaa peräkkäin. Säilytä tämä "
        "kirje erillään kortista."
    )


def _swedish(card: CardKind) -> str:
    return (
        f"{card.title_sv}. Ta kortet i bruk med kortläsarprogrammet: mata in aktiveringskoden och välj en baskod "
        f"(PIN1, {_digits(card, Credential.PIN1)} siffror) och en signaturkod (PIN2, "
        f"{_digits(card, Credential.PIN2)} siffror). Med samma kod öppnar du en låst kod. En kod låses när den har "
        f"matats in fel {card.tries[Credential.PIN1]} gånger i följd. Förvara detta brev åtskilt från kortet."
    )


def _english(card: CardKind) -> str:
    return (
        f"{card.title_en}. Take the card into use with the card reader software: enter the activation code and "
        f"choose a basic PIN (PIN1, {_digits(card, Credential.PIN1)} digits) and a signature PIN (PIN2, "
        f"{_digits(card, Credential.PIN2)} digits). The same code opens a PIN that is locked. A PIN locks after "
        f"{card.tries[Credential.PIN1]} wrong entries in a row. Keep this letter apart from the card."
    )


def _digits(card: CardKind, credential: Credential) -> str:
    shortest, longest = card.lengths[credential]
    return f"{shortest}" if shortest == longest else f"{shortest}–{longest}"


def _envelope(holder: str, address: str, sent: date) -> list[str]:
    lines = [holder, *(part.strip() for part in address.split(",") if part.strip())]
    day = f"{sent.day}.{sent.month}.{sent.year}"
    return [f"{lines[0]:<{_WIDTH - len(day)}}{day}", *lines[1:]]


def _paragraph(text: str) -> list[str]:
    return [*wrap(text, _WIDTH), ""]


def _safe(line: str) -> str:
    """No control characters from names: a letter is printed and read on terminals."""
    return "".join(map(_printed, line))


def _printed(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Zs" or character == "\t":  # a no-break space, which word processors write of their own accord
        return " "
    if kind == "Cf":  # as a soft hyphen: nobody sees it, and a terminal might obey it
        return ""
    return character if character.isprintable() else "?"
