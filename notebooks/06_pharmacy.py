# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
#   sotepki:
#     languages:
#       fi: 06_apteekki
#       sv: 06_apotek
# ---

# %% [markdown] lang="en"
# # The pharmacy and the prescription
#
# On a Monday morning Testi-Pekka Hiidenkivi has a sore throat. By noon he has taken the first tablet. In between, two
# people and a computer have signed something, each with another key, and the Prescription Centre (Reseptikeskus) has
# believed each of them for another reason.
#
# This notebook follows the prescription (sähköinen lääkemääräys) from Aino Hallavuo, physician, to Sampo Kuuselmo's
# counter in Koivuniemen apteekki. We ask at every step: who signs this, with which certificate, and what would the
# Centre say if somebody else did? Forty minutes to read, half a minute to run.
#
# Much about prescriptions is known only from a specimen of 2015 and from what people in the field remember. Where
# that is so, the text says it, and the tables carry the grade. The story goes forward, cell by cell; the cell with
# `new_workspace` begins it anew.

# %% [markdown] lang="fi"
# # Apteekki ja lääkemääräys
#
# Maanantaiaamuna Testi-Pekka Hiidenkiven kurkku on kipeä. Puoleenpäivään mennessä hän on ottanut ensimmäisen
# tabletin. Siinä välissä kaksi ihmistä ja yksi tietokone ovat allekirjoittaneet jotakin, kukin eri avaimella, ja
# Reseptikeskus on uskonut jokaista eri syystä.
#
# Tämä muistikirja seuraa sähköistä lääkemääräystä lääkäri Aino Hallavuolta proviisori Sampo Kuuselmon tiskille
# Koivuniemen apteekkiin. Joka vaiheessa kysymme, kuka tämän allekirjoittaa, millä varmenteella, ja mitä Reseptikeskus
# sanoisi, jos sen tekisi joku muu. Lukemiseen menee neljäkymmentä minuuttia, ajamiseen puoli minuuttia.
#
# Suuri osa siitä, mitä lääkemääräyksistä tiedetään, perustuu vuoden 2015 esimerkkiasiakirjaan ja alan ihmisten
# muistiin. Silloin teksti sanoo sen, ja taulukot kertovat, kuinka varma tieto on. Kertomus etenee solu solulta; solu,
# jossa on `new_workspace`, aloittaa sen alusta. Ohjelma puhuu englantia, mutta jokaisen säännön selitys on suomeksi.

# %% [markdown] lang="sv"
# # Apoteket och receptet
#
# En måndagsmorgon har Testi-Pekka Hiidenkivi ont i halsen. Vid middagstid har han tagit den första tabletten.
# Däremellan har två människor och en dator undertecknat något, var och en med sin egen nyckel, och Receptcentret har
# trott på dem alla, men av olika skäl.
#
# Den här anteckningsboken följer det elektroniska receptet från läkaren Aino Hallavuo till provisorn Sampo Kuuselmos
# disk i Koivuniemen apteekki. I varje steg frågar vi vem som undertecknar, med vilket certifikat, och vad
# Receptcentret skulle säga om någon annan gjorde det. Det tar fyrtio minuter att läsa och en halv minut att köra.
#
# Mycket av det som är känt om recept kommer från en exempelhandling från 2015 och från vad folk i branschen minns.
# När det är så säger texten det, och tabellerna anger hur säker uppgiften är. Berättelsen går framåt cell för cell;
# cellen med `new_workspace` börjar den från början. Programmet talar engelska, men varje regel förklaras på svenska.

# %% lang="en"
LANGUAGE = "en"

# %% lang="fi"
LANGUAGE = "fi"

# %% lang="sv"
LANGUAGE = "sv"

# %%
from phrases import speaker
from pictures import Actor, Deed, actors

say = speaker("06_pharmacy", LANGUAGE)
COUNTY, PHARMACY, CENTRE = say("county-system"), say("pharmacy-system"), say("centre")
AROUND = (
    Actor("Aino", say("duty-aino"), 0, 2),
    Actor("Testi-Pekka", say("duty-patient"), 1.95, 2),
    Actor("Sampo", say("duty-sampo"), 3.9, 2),
    Actor(COUNTY, say("duty-county"), 0, 1),
    Actor(PHARMACY, say("duty-pharmacy"), 3.9, 1),
    Actor(CENTRE, say("duty-centre"), 1.95, 0),
)
DEEDS = (
    Deed("Aino", COUNTY, say("prescription")),
    Deed("Testi-Pekka", "Sampo", say("wish")),
    Deed("Sampo", PHARMACY, say("dispensing")),
    Deed(COUNTY, CENTRE, say("mutual-tls")),
    Deed(PHARMACY, CENTRE, say("mutual-tls")),
)
actors(AROUND, DEEDS)

# %%
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial

import told
from story import close, new_workspace, table

from sotepki.journey import load_cast
from sotepki.journey.card_holder import card_in_hand
from sotepki.journey.service_provider import provider_system
from sotepki.services import running_services

told.be_kind(LANGUAGE)
attempt = partial(told.attempt, language=LANGUAGE)
workspace = new_workspace("pharmacy", at=datetime(2026, 9, 14, 5, 0, tzinfo=UTC), card_keys=5)
cast = load_cast()
registrar = cast.person("registrar-county-1")
PARTS = ("physician", "pharmacist", "nurse", "medical-student", "restricted-physician")
people = {part: workspace.valvira.professional_of(cast.person(part)) for part in PARTS}
cards = {}
for part in PARTS:
    issued = card_in_hand(workspace, registrar=registrar, applicant=cast.person(part))
    cards[part] = issued.card_number

# %% [markdown] lang="en"
# Five people have fetched their professional cards (ammattikortti). The county and the pharmacy each run a system
# with a server certificate; the pharmacy's has a system signature certificate (järjestelmäallekirjoitusvarmenne) as
# well. The services answer on this machine, and the clock moves only when we move it.

# %% [markdown] lang="fi"
# Viisi ihmistä on hakenut ammattikorttinsa. Hyvinvointialueella ja apteekilla on kummallakin järjestelmä, jolla on
# palvelinvarmenne; apteekin järjestelmällä on lisäksi järjestelmäallekirjoitusvarmenne. Palvelut toimivat tällä
# koneella, ja kello käy vain, kun me siirrämme sitä.

# %% [markdown] lang="sv"
# Fem personer har hämtat sina yrkeskort. Välfärdsområdet och apoteket har var sitt system med ett servercertifikat;
# apotekets system har dessutom ett systemsignaturcertifikat. Tjänsterna körs på den här datorn, och klockan går bara
# när vi flyttar den.

# %%
county = workspace.thl.organisation(cast.organisation("county"))
pharmacy = workspace.thl.organisation(cast.organisation("pharmacy"))
technician = cast.person("technical-contact")
county_system = provider_system(workspace, county, user=technician)
pharmacy_system = provider_system(workspace, pharmacy, user=technician)
stack = ExitStack()
services = stack.enter_context(running_services(workspace))


# %% NBVAL_CHECK_OUTPUT
def title(right):
    """What the register calls a right: in Swedish for who reads Swedish, else in Finnish."""
    return right.title_sv if LANGUAGE == "sv" else right.title_fi


for part, professional in people.items():
    titles = ", ".join(title(right) for right in professional.rights)
    print(f"{professional.person.first_name} {professional.person.surname} ({part}): {titles}")

# %% [markdown] lang="en"
# ## 1. Five documents, and who signs each
#
# The Prescription Centre knows five kinds of documents. What distinguishes them is not the medicine but who answers
# for them, and so the signature is another one each time.

# %% [markdown] lang="fi"
# ## 1. Viisi asiakirjaa ja niiden allekirjoittajat
#
# Reseptikeskus tuntee viisi asiakirjalajia. Niitä ei erota toisistaan lääke vaan se, kuka asiakirjasta vastaa. Siksi
# allekirjoituskin on joka kerta toinen.

# %% [markdown] lang="sv"
# ## 1. Fem handlingar och vem som undertecknar dem
#
# Receptcentret känner fem slags handlingar. Det som skiljer dem åt är inte läkemedlet utan vem som svarar för
# handlingen. Därför är också underskriften en annan varje gång.

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import families

prescriptions = families()["prescription"]
kinds = list(prescriptions.kinds.values())
table(
    [say(f"head-{column}") for column in ("document", "kind", "code", "role", "signer", "prescriber", "grade")],
    [
        (
            say(kind.id),
            f"`{kind.id}`",
            kind.code,
            kind.role or "",
            f" {say('or')} ".join(say(f"signer-{signer}") for signer in kind.signers),
            say("yes" if kind.prescriber else "no"),
            say(f"grade-{kind.grade}"),
        )
        for kind in kinds
    ],
)

# %%
from prescription_pictures import versions, who_signs

who_signs(
    {say(kind.id): [str(one) for one in kind.signers] for kind in kinds},
    {signer: say(f"column-{signer}") for signer in ("professional", "system")},
    signs=say("signs"),
    not_so=say("no"),
)

# %% [markdown] lang="en"
# The roles are LAL, who started the medication; KOR, who corrected; MIT, who cancelled; LTE, who dispensed. The roles
# and code 1 were seen in Kela's own library and specimen; the other codes are our plain assumption, and *who signs
# what* is what the field remembers (docs/field/kanta.md 9). Nobody is failed on it.
#
# Behind each dark square stands a certificate. A person's card holds an authentication certificate for logging in and
# a signature certificate, whose key does nothing but sign. A provider's system has a server certificate for the
# connection and, apart from it, one for its signature.

# %% [markdown] lang="fi"
# Roolit ovat LAL, lääkityksen aloittaja; KOR, korjaaja; MIT, mitätöijä; ja LTE, lääkkeen toimittaja. Roolit ja koodi
# 1 on nähty Kelan omassa ohjelmakirjastossa ja esimerkkiasiakirjassa. Muut koodit ovat oma yksinkertainen
# oletuksemme, ja se, *kuka allekirjoittaa mitä*, on alan muistitietoa (docs/field/kanta.md 9). Ketään ei hylätä sen
# perusteella.
#
# Jokaisen tumman ruudun takana on varmenne. Henkilön kortilla on todentamisvarmenne kirjautumista varten ja
# allekirjoitusvarmenne, jonka avain ei tee muuta kuin allekirjoittaa. Palvelunantajan järjestelmällä on
# palvelinvarmenne yhteyttä varten ja siitä erillinen varmenne allekirjoitusta varten.

# %% [markdown] lang="sv"
# Rollerna är LAL, den som inledde medicineringen; KOR, den som rättade; MIT, den som makulerade; och LTE, den som
# expedierade. Rollerna och koden 1 har setts i FPA:s eget programbibliotek och exempelhandling. De andra koderna är
# vårt enkla antagande, och *vem som undertecknar vad* är vad branschen minns (docs/field/kanta.md 9). Ingen
# underkänns på grund av det.
#
# Bakom varje mörk ruta finns ett certifikat. En persons kort har ett autentiseringscertifikat för inloggning och ett
# signaturcertifikat, vars nyckel inte gör annat än signerar. Tjänstetillhandahållarens system har ett
# servercertifikat för förbindelsen och ett annat certifikat för sin underskrift.

# %% NBVAL_CHECK_OUTPUT
from cryptography import x509
from cryptography.x509 import NameOID

from sotepki.documents import SignatureKind


def usages(certificate):
    """The key usages that a certificate allows, as RFC 5280 names them."""
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = {"digital_signature": "digitalSignature", "content_commitment": "nonRepudiation",
             "key_encipherment": "keyEncipherment"}  # fmt: skip
    return ", ".join(text for name, text in names.items() if getattr(usage, name))


def value(certificate, oid):
    """One value of a certificate's subject, or a dash."""
    found = certificate.subject.get_attributes_for_oid(oid)
    return found[0].value if found else "-"


aino, sampo = people["physician"], people["pharmacist"]
on_card = workspace.cards.read(cards["physician"]).certificates
on_sampos = workspace.cards.read(cards["pharmacist"]).certificates
shown = {
    "aino-authentication": on_card["authentication"],
    "aino-signature": on_card["signature"],
    "sampo-signature": on_sampos["signature"],
    "pharmacy-server": pharmacy_system.server.certificate,
    "pharmacy-signature": pharmacy_system.system_signature.certificate,
}
table(
    (say("head-certificate"), say("head-usage"), "serialNumber", "pseudonym"),
    [
        (say(name), usages(one), value(one, NameOID.SERIAL_NUMBER), value(one, NameOID.PSEUDONYM))
        for name, one in shown.items()
    ],
)

# %% [markdown] lang="en"
# `serialNumber` says who: a registration number of eleven digits for a person, an OID for an organisation.
# `pseudonym` holds the prescriber's identifier (yksilöintitunnus, the former SV number). Aino has one, Sampo has
# none: a pharmacist does not prescribe.
#
# ## 2. Morning: Aino prescribes
#
# Small tools for the rest of the day: one writes a document, two sign it, by card and by system, and one sends it in
# a message frame (siirtokehys) over mutual TLS and tells what the Centre answered.

# %% [markdown] lang="fi"
# `serialNumber` kertoo, kuka on kyseessä: henkilöllä siinä on yksitoistanumeroinen rekisteröintinumero,
# organisaatiolla OID-tunnus. Kentässä `pseudonym` on lääkkeen määrääjän yksilöintitunnus (entinen SV-numero). Ainolla
# se on, Sampolla ei: proviisori ei määrää lääkkeitä.
#
# ## 2. Aamu: Aino määrää lääkkeen
#
# Loppupäivää varten tarvitaan muutama pieni työkalu. Yksi laatii asiakirjan, kaksi allekirjoittaa sen, kortilla tai
# järjestelmällä, ja yksi lähettää sen siirtokehyksessä molemminpuolisella TLS-yhteydellä ja kertoo, mitä
# Reseptikeskus vastasi.

# %% [markdown] lang="sv"
# `serialNumber` säger vem det gäller: för en person ett registreringsnummer med elva siffror, för en organisation en
# OID-kod. I `pseudonym` står läkemedelsförskrivarens identifikationskod (det tidigare SV-numret). Aino har en, Sampo
# har ingen: en provisor förskriver inte läkemedel.
#
# ## 2. Morgonen: Aino förskriver
#
# För resten av dagen behövs några små verktyg: ett skriver en handling, två undertecknar den, med kort eller med
# system, och ett skickar den i en överföringsram över ömsesidig TLS och berättar vad Receptcentret svarade.

# %%
from sending_story import PostRoom

from sotepki.documents import build_prescription, sign_as_professional, sign_as_system
from sotepki.identifiers import Oid
from sotepki.journey.card_holder import PIN1, PIN2, passport

patient = workspace.population.person(cast.person("client-adult"))
room = PostRoom(workspace, services, minutes=10, language=LANGUAGE)


def write(kind, organisation, part=None, **more):
    """An unsigned document of the Prescription Centre; its author is whoever plays a part."""
    return build_prescription(
        client=patient,
        organisation=organisation,
        author=people.get(part),
        kind=kind,
        created=workspace.clock.now(),
        document_oid=room.new_oid(organisation),
        **more,
    )


def by_card(part, document, number=""):
    """Signed with a card, by default the person's own: PIN2 is given for this one signature."""
    with workspace.cards.insert(number or cards[part]) as card:
        card.verify_pin2(PIN2)
        return sign_as_professional(
            document,
            key=card.signature_key,
            certificate=card.certificate("signature"),
            professional=people[part],
            at=workspace.clock.now(),
        )


def by_system(document, system):
    """Signed by a provider's system; no person is asked."""
    identity = system.system_signature
    return sign_as_system(
        document,
        key=identity.key(),
        certificate=identity.certificate,
        at=workspace.clock.now(),
    )


def send(what, document, system, sender=None):
    """Send a document from a system, by default in its own organisation's name."""
    message = room.framed(document, sender or system.organisation)
    return room.send(what, message, system.server)


# %% NBVAL_CHECK_OUTPUT
first = by_card("physician", write("prescription", county, "physician"))
archived = send(say("the-prescription"), first, county_system)

# %% [markdown] lang="en"
# `AA`: accepted and archived. What did Aino put her name to? The signature covers the body and the time of signing,
# and **not the header**. Custodian, patient and author stand in the header, and so the Centre compares them with what
# is signed and with the certificate.

# %% [markdown] lang="fi"
# `AA`: hyväksytty ja arkistoitu. Mitä Aino oikeastaan allekirjoitti? Allekirjoitus kattaa asiakirjan runko-osan ja
# allekirjoitusajan, mutta **ei otsikkotietoja** (header). Rekisterinpitäjä, potilas ja laatija ovat otsikkotiedoissa,
# joten Reseptikeskus vertaa niitä siihen, mikä on allekirjoitettu, ja varmenteeseen.

# %% [markdown] lang="sv"
# `AA`: godtagen och arkiverad. Vad satte Aino egentligen sitt namn under? Underskriften omfattar innehållsdelen och
# tiden för undertecknandet, men **inte huvudet** (header). Personuppgiftsansvarig, patient och upprättare står i
# huvudet. Därför jämför Receptcentret dem med det som är undertecknat och med certifikatet.

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import VerificationContext, verify_document
from sotepki.dvv import SOTE_PERSONS

context = VerificationContext(
    trust=[workspace.authorities.root],
    intermediates=[workspace.authorities.certificate(SOTE_PERSONS)],
    at=workspace.clock.now(),
    revocation=False,
    rights=workspace.valvira,
)
report = verify_document(first, context)
print(say("verdict", verdict=say(f"verdict-{report.verdict}")))
print(say("keeper", oid=report.custodian))
for path in report.signatures[0].covered:
    print(say("covered", part=path.rpartition("/")[2]))

# %% [markdown] lang="en"
# One PIN2, one signature. Aino has two more prescriptions waiting and would like to type her PIN once for all. The
# chip says no:

# %% [markdown] lang="fi"
# Yksi PIN2, yksi allekirjoitus. Ainolla on vielä kaksi lääkemääräystä odottamassa, ja hän antaisi
# allekirjoitustunnusluvun mieluiten kerralla kaikkiin. Siru kieltäytyy:

# %% [markdown] lang="sv"
# En PIN2, en underskrift. Två recept till väntar på Aino, och hon skulle helst ange signaturkoden en gång för alla.
# Chippet säger nej:

# %% NBVAL_CHECK_OUTPUT
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

with workspace.cards.insert(cards["physician"]) as card:
    how = (padding.PKCS1v15(), hashes.SHA256())
    card.verify_pin2(PIN2)
    card.signature_key.sign(b"the first", *how)
    attempt(say("second-signature"), lambda: card.signature_key.sign(b"the second", *how))

# %% [markdown] lang="en"
# Signing several at one go is called *moniallekirjoitus* in the field. Kelain does not offer it (docs/field/kanta.md
# 3.4: confirmed); in what form others do is not public.
#
# ## 3. The wrong dose: correction and cancellation
#
# Ten minutes later Aino sees it: three times a day should be two. Her system's first makers did the obvious: change
# the text, keep the rest.

# %% [markdown] lang="fi"
# Usean asiakirjan allekirjoittamista yhdellä kertaa kutsutaan alalla *moniallekirjoitukseksi*. Kelaimessa sitä ei ole
# (docs/field/kanta.md 3.4: vahvistettu). Missä muodossa muut sen tekevät, ei ole julkista.
#
# ## 3. Väärä annos: korjaus ja mitätöinti
#
# Kymmenen minuutin päästä Aino huomaa virheen: kolme kertaa päivässä pitää olla kaksi. Hänen järjestelmänsä
# ensimmäiset tekijät ratkaisivat asian helpoimman kautta: teksti vaihdetaan, ja muu jää ennalleen.

# %% [markdown] lang="sv"
# Att underteckna flera handlingar på en gång kallas i branschen *moniallekirjoitus*. I Kelain går det inte
# (docs/field/kanta.md 3.4: bekräftad). I vilken form andra gör det är inte offentligt.
#
# ## 3. Fel dos: rättelse och makulering
#
# Tio minuter senare ser Aino felet: tre gånger om dagen ska vara två. De som först byggde hennes system gjorde det
# som låg närmast till hands: ändrade texten och behöll resten.

# %% NBVAL_CHECK_OUTPUT
edited = first.replace(b"kolme kertaa", b"kaksi kertaa")
_ = send(say("edited"), edited, county_system)

# %% [markdown] lang="en"
# A signature is over bytes, not over intentions. A correction (korjaus) is a new document with an id of its own: same
# set, next version, related to the one that it replaces, **old signature gone**, and signed anew. The first
# prescriber stays listed before the corrector.

# %% [markdown] lang="fi"
# Allekirjoitus koskee tavuja, ei aikomuksia. Korjaus on uusi asiakirja, jolla on oma tunnuksensa: sama sarja (set),
# seuraava versio, viittaus korvattavaan versioon, **vanha allekirjoitus poistettu** ja uusi tilalla. Ensimmäinen
# lääkkeen määrääjä pysyy luettelossa ennen korjaajaa.

# %% [markdown] lang="sv"
# En underskrift gäller byte, inte avsikter. En rättelse är en ny handling med en egen identifierare: samma serie
# (set), nästa version, en hänvisning till den som ersätts, **den gamla underskriften borta** och en ny i stället. Den
# första förskrivaren står kvar före den som rättade.

# %% NBVAL_CHECK_OUTPUT
from dataclasses import replace

from sotepki.documents import medicines

known = medicines()["amoxicillin"]
twice_a_day = replace(known, dosage=known.dosage.replace("kolme", "kaksi"))
set_oid = Oid.parse(archived.document_id)


def following(kind, before, version, **more):
    """The next version of Aino's prescription, written and signed by her."""
    relation = {"set_oid": set_oid, "version": version, "replaces": Oid.parse(before)}
    document = write(kind, county, "physician", first_author=aino, **relation, **more)
    return by_card("physician", document)


correction = following("prescription-correction", archived.document_id, 2, medicine=twice_a_day)
corrected = send(say("the-correction"), correction, county_system)

# %% [markdown] lang="en"
# Meanwhile a colleague's screen still shows the first version. She cancels *that*. Two branches of one prescription
# would be one too many, so the Centre refuses; it has to be the newest version that is cancelled (mitätöinti).

# %% [markdown] lang="fi"
# Sillä välin kollegan näytöllä on yhä ensimmäinen versio. Hän mitätöi *sen*. Kaksi haaraa samasta lääkemääräyksestä
# olisi yksi liikaa, joten Reseptikeskus hylkää mitätöinnin. Mitätöidä voi vain uusimman version.

# %% [markdown] lang="sv"
# Under tiden visar en kollegas skärm fortfarande den första versionen. Hon makulerar *den*. Två grenar av samma
# recept vore en för mycket, så Receptcentret avslår makuleringen. Det är den nyaste versionen som ska makuleras.

# %% NBVAL_CHECK_OUTPUT
too_late = following("prescription-cancellation", archived.document_id, 2)
send(say("cancels-replaced"), too_late, county_system)
right = following("prescription-cancellation", corrected.document_id, 3, medicine=twice_a_day)
cancelled = send(say("cancels-newest"), right, county_system)

# %% [markdown] lang="en"
# Read code and weight apart. The **code** is what happened: `AE` refuses. The **weight** before the message says how
# much the evidence would bear against a vendor. That a document is replaced only once is our reasoning, not a public
# rule, so nobody may be failed on it in the conformance suite; our Centre keeps its own books straight all the same,
# and refuses.
#
# Nothing was deleted. The three versions rest beside each other, and whoever reads sees which one counts. The picture
# is drawn from what the archive says of the set:

# %% [markdown] lang="fi"
# Lue koodi ja painoarvo erikseen. **Koodi** kertoo, mitä tapahtui: `AE` hylkää. **Painoarvo** viestin edessä kertoo,
# kuinka paljon näyttö painaisi järjestelmätoimittajaa vastaan. Se, että asiakirja korvataan vain kerran, on oma
# päätelmämme eikä julkinen sääntö, joten sen takia ketään ei hylätä vaatimustenmukaisuustesteissä. Oma
# Reseptikeskuksemme pitää silti kirjansa selvinä ja hylkää.
#
# Mitään ei poistettu. Kolme versiota ovat tallessa rinnakkain, ja lukija näkee, mikä niistä on voimassa. Kuva on
# piirretty siitä, mitä arkisto kertoo sarjasta:

# %% [markdown] lang="sv"
# Läs kod och vikt var för sig. **Koden** säger vad som hände: `AE` avslår. **Vikten** före meddelandet säger hur
# tungt beläggen skulle väga mot en systemleverantör. Att en handling ersätts bara en gång är vår egen slutsats och
# ingen offentlig regel, så ingen får underkännas på grund av det i konformitetstesterna. Vårt Receptcenter håller
# ändå ordning i sina böcker och avslår.
#
# Ingenting raderades. De tre versionerna ligger bredvid varandra, och den som läser ser vilken som gäller. Bilden är
# ritad efter det som arkivet säger om serien:

# %%
described = services.kanta.describe(cancelled.document_id, county_system.server.certificate)
KINDS = {1: "prescription", 2: "prescription-correction", 3: "prescription-cancellation"}
numbers = [one["version"] for one in described["versions"]]
versions(
    [(say(KINDS[one]), prescriptions.kinds[KINDS[one]].role, say("version", number=one)) for one in numbers],
    replaces=say("replaces"),
)

# %% [markdown] lang="en"
# Testi-Pekka still has a sore throat, so Aino writes a fresh one with the right dose. This is the one he takes to the
# pharmacy.

# %% [markdown] lang="fi"
# Testi-Pekan kurkku on yhä kipeä, joten Aino laatii uuden lääkemääräyksen oikealla annoksella. Sen kanssa potilas
# lähtee apteekkiin.

# %% [markdown] lang="sv"
# Testi-Pekka har fortfarande ont i halsen, så Aino skriver ett nytt recept med rätt dos. Med det går han till
# apoteket.

# %% NBVAL_CHECK_OUTPUT
fresh = by_card("physician", write("prescription", county, "physician", medicine=twice_a_day))
_ = send(say("fresh"), fresh, county_system)

# %% [markdown] lang="en"
# ## 4. At the counter: what a pharmacy sends
#
# Sampo fetches the box and advises. The dispensing record (lääketoimitus) goes to the Centre from **the pharmacy's
# own server**, signed by Sampo's card or by the pharmacy's system; both forms are remembered in the field, and both
# are accepted here.

# %% [markdown] lang="fi"
# ## 4. Tiskillä: mitä apteekki lähettää
#
# Sampo hakee pakkauksen ja antaa lääkeneuvontaa. Tieto lääketoimituksesta lähtee Reseptikeskukseen **apteekin omalta
# palvelimelta**, allekirjoitettuna joko Sampon kortilla tai apteekin järjestelmällä. Alalla muistetaan kumpikin tapa,
# ja täällä kumpikin hyväksytään.

# %% [markdown] lang="sv"
# ## 4. Vid disken: vad ett apotek skickar
#
# Sampo hämtar asken och ger råd om läkemedlet. Uppgiften om expedieringen går till Receptcentret från **apotekets
# egen server**, undertecknad med Sampos kort eller av apotekets system. Branschen minns båda sätten, och här godtas
# båda.

# %% NBVAL_CHECK_OUTPUT
signed = by_card("pharmacist", write("dispensing", pharmacy, "pharmacist"))
send(say("dispensed-by-sampo"), signed, pharmacy_system)
signed = by_system(write("dispensing", pharmacy), pharmacy_system)
_ = send(say("dispensed-by-system"), signed, pharmacy_system)

# %% [markdown] lang="en"
# A renewal request (uusimispyyntö) is a patient's wish, passed on by the pharmacy. Nobody answers for a medicine with
# it, so no person signs; the system says where it came from. Sampo's card would promise too much:

# %% [markdown] lang="fi"
# Uusimispyyntö on potilaan toive, jonka apteekki välittää. Kukaan ei ota sillä vastuuta lääkkeestä, joten henkilön
# allekirjoitusta ei tarvita; järjestelmä kertoo, mistä pyyntö tuli. Sampon kortti lupaisi liikaa:

# %% [markdown] lang="sv"
# En begäran om förnyelse är en patients önskan som apoteket förmedlar. Ingen svarar därmed för ett läkemedel, så
# ingen person undertecknar; systemet säger varifrån begäran kom. Sampos kort skulle lova för mycket:

# %% NBVAL_CHECK_OUTPUT
wish = by_system(write("renewal-request", pharmacy), pharmacy_system)
send(say("renewal-request"), wish, pharmacy_system)
attempt(
    say("renewal-by-card"),
    lambda: by_card("pharmacist", write("renewal-request", pharmacy, "pharmacist")),
)

# %% [markdown] lang="en"
# And the other way about: the box is there, the patient too, only the prescription is missing. May the pharmacy's
# system write one? Signing refuses. A system that does not ask before it signs gets its answer from the Centre:

# %% [markdown] lang="fi"
# Entä toisin päin: pakkaus on hyllyssä ja potilas tiskillä, vain lääkemääräys puuttuu. Saako apteekin järjestelmä
# tehdä sellaisen? Allekirjoitustoiminto kieltäytyy. Järjestelmä, joka ei kysy ennen allekirjoittamista, saa
# vastauksen Reseptikeskukselta:

# %% [markdown] lang="sv"
# Och tvärtom: asken finns och patienten med, bara receptet saknas. Får apotekets system skriva ett?
# Signeringsfunktionen säger nej. Ett system som inte frågar innan det undertecknar får svaret av Receptcentret:

# %% NBVAL_CHECK_OUTPUT
from sotepki.documents import Signer, sign_document

written = write("prescription", pharmacy, "pharmacist")
attempt(say("prescription-by-system"), lambda: by_system(written, pharmacy_system))
identity = pharmacy_system.system_signature
signer = Signer(SignatureKind.SYSTEM, identity.key(), identity.certificate)
unasked = sign_document(written, signer, workspace.clock.now())
_ = send(say("unasked"), unasked, pharmacy_system)

# %% [markdown] lang="en"
# `AA`, with a warning. That a prescription is signed by a person is remembered in the field and not read in any
# public text (docs/field/kanta.md 9: recalled), so our Centre warns and lets the document pass. The real one may well
# refuse. **A warning is not a permission**; a system that relies on it will learn the difference in joint testing.
#
# Last, the connection itself. The county's server offers to pass on what the pharmacy wrote:

# %% [markdown] lang="fi"
# `AA` ja varoitus. Se, että lääkemääräyksen allekirjoittaa henkilö, on alan muistitietoa eikä ole luettavissa mistään
# julkisesta tekstistä, jonka tunnemme (docs/field/kanta.md 9: muistinvarainen). Siksi oma Reseptikeskuksemme
# varoittaa ja päästää asiakirjan läpi. Oikea saattaa hyvinkin hylätä sen. **Varoitus ei ole lupa.** Järjestelmä, joka
# luottaa siihen, oppii eron yhteistestauksessa.
#
# Lopuksi itse yhteys. Hyvinvointialueen palvelin tarjoutuu välittämään sen, minkä apteekki laati:

# %% [markdown] lang="sv"
# `AA`, med en varning. Att ett recept undertecknas av en person är något som branschen minns och som inte har lästs i
# någon offentlig text (docs/field/kanta.md 9: ur minnet). Därför varnar vårt Receptcenter och släpper igenom
# handlingen. Det verkliga kan mycket väl avslå den. **En varning är inget tillstånd.** Ett system som litar på den
# lär sig skillnaden i samtestningen.
#
# Till sist själva förbindelsen. Välfärdsområdets server erbjuder sig att skicka vidare det som apoteket skrev:

# %% NBVAL_CHECK_OUTPUT
passed_on = by_system(write("dispensing", pharmacy), pharmacy_system)
_ = send(say("passed-on"), passed_on, county_system, sender=pharmacy)

# %% [markdown] lang="en"
# The name in the frame and the certificate of the connection must agree. Whoever may send for others is a Kanta
# intermediary (Kanta-välittäjä) or has an access point registered for it.
#
# *A limit of this emulation:* what a client sent it may read again, and nobody else may. The real Centre of course
# gives a prescription to any pharmacy; how it is asked is not public, so we built nothing.
#
# ## 5. Who cannot prescribe, and who notices
#
# Lumi Tuiskuoja is a nurse. Her card is in order, her right is in force, she works with medicines all day. She has no
# prescriber's identifier.

# %% [markdown] lang="fi"
# Kehyksessä olevan nimen ja yhteyden varmenteen pitää vastata toisiaan. Se, joka saa lähettää muiden puolesta, on
# Kanta-välittäjä tai on rekisteröinyt liityntäpisteen.
#
# *Tämän emulaattorin raja:* minkä järjestelmä on lähettänyt, sen se saa lukea takaisin, eikä kukaan muu. Oikea
# Reseptikeskus antaa lääkemääräyksen tietysti mille tahansa apteekille. Miten sitä kysytään, ei ole julkista, joten
# emme rakentaneet mitään.
#
# ## 5. Kuka ei voi määrätä lääkettä, ja kuka sen huomaa
#
# Lumi Tuiskuoja on sairaanhoitaja. Hänen korttinsa on kunnossa, hänen ammattioikeutensa on voimassa, ja hän
# käsittelee työssään lääkkeitä päivät pitkät. Lääkkeen määrääjän yksilöintitunnusta hänellä ei ole.

# %% [markdown] lang="sv"
# Namnet i ramen och förbindelsens certifikat måste stämma överens. Den som får skicka för andra är en
# Kanta-förmedlare eller har registrerat en anslutningspunkt för det.
#
# *En gräns för den här emulatorn:* det som ett system har skickat får det läsa igen, och ingen annan. Det verkliga
# Receptcentret ger förstås ett recept till vilket apotek som helst. Hur man frågar är inte offentligt, så vi har inte
# byggt något.
#
# ## 5. Vem som inte kan förskriva, och vem som märker det
#
# Lumi Tuiskuoja är sjukskötare. Hennes kort är i ordning, hennes yrkesrättighet är i kraft, och hon arbetar med
# läkemedel hela dagen. Någon identifikationskod för förskrivare har hon inte.

# %% NBVAL_CHECK_OUTPUT
attempt(say("lumi-signs"), lambda: by_card("nurse", write("prescription", county, "nurse")))

# %% [markdown] lang="en"
# *Cards without it cannot sign prescriptions* is confirmed (dvv.fi); its place in the certificate is known at second
# hand, and by what was seen, not from a rule. So again our Centre only warns of a document that a careless system
# signed. It can be told to be strict, to see what one's system makes of a refusal:

# %% [markdown] lang="fi"
# *Kortilla, jossa tunnusta ei ole, ei voi allekirjoittaa lääkemääräyksiä*: se on vahvistettu (dvv.fi). Tunnuksen
# paikka varmenteessa tiedetään toisen käden tietona ja havainnoista, ei säännöstä. Siksi oma Reseptikeskuksemme taas
# vain varoittaa asiakirjasta, jonka huolimaton järjestelmä allekirjoitti. Sen voi asettaa tiukaksi, jos haluaa nähdä,
# miten oma järjestelmä suhtautuu hylkäykseen:

# %% [markdown] lang="sv"
# *Med ett kort som saknar koden kan man inte underteckna recept*: det är bekräftat (dvv.fi). Kodens plats i
# certifikatet är känd i andra hand och av det som har setts, inte ur en regel. Därför varnar vårt Receptcenter igen
# bara för en handling som ett slarvigt system har undertecknat. Det kan ställas in som strängt, om man vill se hur
# det egna systemet tar ett avslag:


# %% NBVAL_CHECK_OUTPUT
def carelessly(part):
    """A prescription signed by a system that asks nothing before it signs."""
    written, kind = write("prescription", county, part), SignatureKind.PROFESSIONAL
    with workspace.cards.insert(cards[part]) as card:
        card.verify_pin2(PIN2)
        signer = Signer(kind, card.signature_key, card.certificate("signature"), people[part])
        return sign_document(written, signer, workspace.clock.now())


careless = carelessly("nurse")
send(say("lumi-careless"), careless, county_system)

usual = services.kanta.settings
refuses = usual.refuses_by_choice | {"doc.prescriber-id"}
strict = replace(services.kanta, settings=replace(usual, refuses_by_choice=refuses))
again = strict.archive(room.framed(careless, county), county_system.server.certificate)
print(say("strict-centre", code=again.code))

# %% [markdown] lang="en"
# Kalervo Jääskeläpuro is a physician of many years, and Valvira has restricted his right (ammatinharjoittamisoikeuden
# rajoitus): no prescribing, and work under supervision. His card says nothing of it. A certificate tells who somebody
# *is*; what they may do this week stands in a register.

# %% [markdown] lang="fi"
# Kalervo Jääskeläpuro on ollut lääkärinä vuosia, ja Valvira on rajoittanut hänen ammatinharjoittamisoikeuttaan: ei
# lääkkeiden määräämistä, ja työtä vain valvottuna. Kortissa siitä ei lue mitään. Varmenne kertoo, kuka joku *on*;
# mitä hän saa tällä viikolla tehdä, lukee rekisterissä.

# %% [markdown] lang="sv"
# Kalervo Jääskeläpuro har varit läkare i många år, och Valvira har begränsat hans rätt att utöva yrket: ingen
# förskrivning, och arbete bara under tillsyn. På hans kort står ingenting om det. Ett certifikat säger vem någon
# *är*; vad personen får göra den här veckan står i ett register.

# %% NBVAL_CHECK_OUTPUT
kalervo = people["restricted-physician"]
for right in kalervo.rights:
    print(say("restricted", title=title(right), codes=", ".join(right.restrictions)))
hospital = workspace.provider(cast.organisation("county"))
attempt(
    say("prescribing-access"),
    lambda: hospital.grant_access(kalervo.registration_number, "prescribing", actor="administrator"),
)
_ = send(say("kalervo-signs"), carelessly("restricted-physician"), county_system)

# %% [markdown] lang="en"
# `AA`, and without a word. Whether the real Centre looks at restrictions when it archives is not public; Kelain
# checks rights at login (docs/field/kanta.md 9: confirmed). What is confirmed is the duty: **the employer gives
# access by task and right, and checks that rights are in force** (docs/field/registration.md 1). The line that
# stopped Kalervo was the county's own.
#
# ## 6. Wednesday: the forgotten card
#
# Aino's card lies at home on the kitchen table, forty kilometres away. The registration point takes a blank from the
# locked cabinet, checks her passport and her right, and makes a spare card (varakortti) while she waits. She types
# her own PINs; no letter is needed.

# %% [markdown] lang="fi"
# `AA`, eikä sanaakaan. Katsooko oikea Reseptikeskus rajoituksia arkistoidessaan, ei ole julkista; Kelain tarkistaa
# oikeudet kirjautumisen yhteydessä (docs/field/kanta.md 9: vahvistettu). Vahvistettu on sen sijaan velvollisuus:
# **työnantaja antaa käyttöoikeudet tehtävän ja ammattioikeuden mukaan ja tarkistaa, että ammattioikeudet ovat
# voimassa** (docs/field/registration.md 1). Kalervon pysäytti hyvinvointialueen oma tarkistus.
#
# ## 6. Keskiviikko: unohtunut kortti
#
# Ainon kortti on kotona keittiön pöydällä, neljänkymmenen kilometrin päässä. Rekisteröintipisteessä otetaan lukitusta
# kaapista aihio, tarkistetaan Ainon passi ja ammattioikeus ja tehdään varakortti hänen odottaessaan. Tunnusluvut hän
# näppäilee itse, joten kirjettä ei tarvita.

# %% [markdown] lang="sv"
# `AA`, och inte ett ord. Om det verkliga Receptcentret ser på begränsningar när det arkiverar är inte offentligt;
# Kelain kontrollerar rättigheterna vid inloggningen (docs/field/kanta.md 9: bekräftad). Bekräftad är däremot
# skyldigheten: **arbetsgivaren ger åtkomst efter uppgift och yrkesrättighet, och kontrollerar att rättigheterna är i
# kraft** (docs/field/registration.md 1). Det var välfärdsområdets egen kontroll som stoppade Kalervo.
#
# ## 6. Onsdag: det glömda kortet
#
# Ainos kort ligger hemma på köksbordet, fyrtio kilometer bort. Registreringsstället tar ett ämne ur det låsta skåpet,
# kontrollerar hennes pass och hennes yrkesrättighet, och gör ett tillfälligt kort medan hon väntar. Koderna knappar
# hon in själv, så inget brev behövs.

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=2))
blank = workspace.spare_cards.receive_blanks(1, registrar=registrar)[0]


def spare_card(days):
    """A spare card for Aino, personalised at the desk."""
    return workspace.spare_cards.issue(
        blank.number,
        registrar=registrar,
        holder=aino.person.hetu,
        identity=passport(workspace),
        days=days,
    )


attempt(say("spare-year"), lambda: spare_card(365))
spare = spare_card(3)
with workspace.cards.insert(spare.number) as card:
    card.activate(spare.activation_code, PIN1, PIN2)
    temporary = card.certificate("signature")
print(say("issuer", name=temporary.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value))
for what, oid in (("number", NameOID.SERIAL_NUMBER), ("identifier", NameOID.PSEUDONYM)):
    same = value(temporary, oid) == value(on_card["signature"], oid)
    print(say(f"same-{what}", same=say("yes" if same else "no")))

# %% [markdown] lang="en"
# Another authority issues these certificates, the one for temporary certificates (tilapäisvarmenne), with policy
# numbers of its own. A system whose trust list was typed by hand from Aino's own card will fail today, and only for
# people who forgot their card. This is worth a test case.

# %% [markdown] lang="fi"
# Nämä varmenteet myöntää toinen varmentaja, tilapäisvarmenteiden myöntäjä, ja niillä on omat varmennepolitiikan
# tunnuksensa. Järjestelmä, jonka luotettujen lista on kirjoitettu käsin Ainon oman kortin mukaan, lakkaa tänään
# toimimasta, ja vain niillä, jotka unohtivat korttinsa. Siitä kannattaa tehdä testitapaus.

# %% [markdown] lang="sv"
# De här certifikaten utfärdas av en annan certifikatutfärdare, den för tillfälliga certifikat, och bär egna nummer
# för sin certifikatpolicy. Ett system vars lista över betrodda utfärdare har skrivits för hand efter Ainos eget kort
# fungerar inte i dag, och bara för dem som har glömt sitt kort. Det är värt ett testfall.

# %%
from calendar_pictures import spans

from sotepki.clock import finnish_day


def days(certificate):
    """First and last day of a certificate, in Finland."""
    return finnish_day(certificate.not_valid_before_utc), finnish_day(certificate.not_valid_after_utc)


on_ennis = workspace.cards.read(cards["medical-student"]).certificates
spans(
    {
        say("spare-card"): days(temporary),
        say("enni-card"): days(on_ennis["signature"]),
        say("aino-card"): days(on_card["signature"]),
    },
    today=finnish_day(workspace.clock.now()),
    now=say("today"),
)

# %% NBVAL_CHECK_OUTPUT
waiting = by_card("physician", write("prescription", county, "physician"), spare.number)
now = by_card("physician", write("prescription", county, "physician"), spare.number)
_ = send(say("with-spare"), now, county_system)

# %% [markdown] lang="en"
# On Thursday Aino brings it back. The point revokes its certificates, removes the keys, and lays the blank into the
# cabinet for the next person. One prescription, signed on Wednesday, was still in the county's queue:

# %% [markdown] lang="fi"
# Torstaina Aino palauttaa kortin. Rekisteröintipiste sulkee sen varmenteet, poistaa avaimet ja panee aihion takaisin
# kaappiin seuraavaa varten. Yksi keskiviikkona allekirjoitettu lääkemääräys oli vielä hyvinvointialueen
# lähetysjonossa:

# %% [markdown] lang="sv"
# På torsdagen lämnar Aino tillbaka kortet. Registreringsstället spärrar dess certifikat, tar bort nycklarna och
# lägger ämnet i skåpet för nästa person. Ett recept som undertecknades på onsdagen låg ännu kvar i välfärdsområdets
# sändningskö:

# %% NBVAL_CHECK_OUTPUT
workspace.clock.advance(timedelta(days=1))
returned = workspace.spare_cards.take_back(spare.number, registrar=registrar)
print(say("spare-is", state=say(f"state-{returned.state}")))
_ = send(say("waited"), waiting, county_system)

# %% [markdown] lang="en"
# Accepted: it was signed while the certificate was good. The note is there because the Centre sees more than one
# moment: that of the signature and that of the arrival.
#
# ## 7. A student's last day
#
# Enni Hietavirta studies medicine. Valvira has given her a right for a limited time (rajattu oikeus), and with it a
# prescriber's identifier. Her prescription is as good as Aino's, until the day that is written in the register; her
# card ends on the same day (see the picture above).

# %% [markdown] lang="fi"
# Hyväksytty: se allekirjoitettiin, kun varmenne oli voimassa. Varoitus on siinä, koska Reseptikeskus näkee useamman
# kuin yhden hetken: sen, jolloin allekirjoitettiin, ja sen, jolloin asiakirja saapui.
#
# ## 7. Opiskelijan viimeinen päivä
#
# Enni Hietavirta opiskelee lääketiedettä. Valvira on antanut hänelle määräajaksi rajatun oikeuden ja sen mukana
# lääkkeen määrääjän yksilöintitunnuksen. Hänen lääkemääräyksensä on yhtä hyvä kuin Ainon siihen päivään asti, joka
# rekisteriin on merkitty. Samana päivänä päättyy hänen korttinsa voimassaolo (katso edellistä kuvaa).

# %% [markdown] lang="sv"
# Godtaget: receptet undertecknades medan certifikatet gällde. Varningen finns där för att Receptcentret ser mer än
# ett ögonblick: det då handlingen undertecknades och det då den kom fram.
#
# ## 7. En studerandes sista dag
#
# Enni Hietavirta studerar medicin. Valvira har gett henne en begränsad rätt för viss tid, och med den en
# identifikationskod för förskrivare. Hennes recept är lika gott som Ainos till den dag som står i registret. Samma
# dag slutar hennes kort att gälla (se bilden ovan).

# %% NBVAL_CHECK_OUTPUT
enni = people["medical-student"]
hers = by_card("medical-student", write("prescription", county, "medical-student"))
send(say("enni-signs"), hers, county_system)
last_day = enni.rights[0].valid_to
print(say("days-left", days=(last_day - finnish_day(workspace.clock.now())).days))

# %% [markdown] lang="en"
# The clock moves to the day after.

# %% [markdown] lang="fi"
# Kello siirtyy viimeistä päivää seuraavaan.

# %% [markdown] lang="sv"
# Klockan går till dagen efter den sista.

# %% NBVAL_CHECK_OUTPUT
days_left = last_day - finnish_day(workspace.clock.now())
workspace.clock.advance(days_left + timedelta(days=1))
workspace.catch_up()
late = by_card("medical-student", write("prescription", county, "medical-student"))
_ = send(say("enni-late"), late, county_system)

# %% [markdown] lang="en"
# Two reasons at once: the certificate is over, and so is the right. Had Valvira ended the right early, only the
# second would stand there, and a system that checks certificates alone would have seen nothing. Notebook 05 shows the
# sweep that finds it.
#
# ## 8. What the Centre saw
#
# All of it, drawn from the answers:

# %% [markdown] lang="fi"
# Kaksi syytä yhdellä kertaa: varmenne on päättynyt, ja niin on ammattioikeuskin. Jos Valvira olisi päättänyt oikeuden
# ennen aikojaan, vain jälkimmäinen syy olisi jäljellä, ja pelkkiä varmenteita tarkistava järjestelmä ei olisi nähnyt
# mitään. Muistikirja 05 näyttää tarkistusajon, joka sen löytää.
#
# ## 8. Mitä Reseptikeskus näki
#
# Kaikki, vastauksista piirrettynä:

# %% [markdown] lang="sv"
# Två skäl på en gång: certifikatet har gått ut, och det har rättigheten också. Hade Valvira avslutat rättigheten i
# förtid skulle bara det senare skälet stå där, och ett system som kontrollerar enbart certifikat hade inte sett
# något. Anteckningsbok 05 visar kontrollkörningen som hittar det.
#
# ## 8. Vad Receptcentret såg
#
# Allt, ritat efter svaren:

# %%
from accident_pictures import chronicle

chronicle(
    room.events,
    form="%d.%m. %H:%M",
    meanings={code: say(f"answer-{code}") for code in ("AA", "AE", "AR")},
    heading=say("head-answer"),
)

# %% [markdown] lang="en"
# And from the Centre's own request log, which knows senders and rules, and no person:

# %% [markdown] lang="fi"
# Ja sama Reseptikeskuksen omasta pyyntölokista, joka tuntee lähettäjät ja säännöt mutta ei ainuttakaan henkilöä:

# %% [markdown] lang="sv"
# Och detsamma ur Receptcentrets egen förfrågningslogg, som känner avsändare och regler men ingen person:

# %% NBVAL_CHECK_OUTPUT
from collections import Counter

from sotepki.kela import RequestKind

lines = services.kanta.requests(100, kind=RequestKind.ARCHIVE)
names = {str(county.oid): county.name, str(pharmacy.oid): pharmacy.name}
counted = Counter((names[line.sender], line.outcome) for line in lines)
heads = (say("head-sender"), say("head-code-answered"), say("head-messages"))
table(heads, [(*key, count) for key, count in sorted(counted.items())])

# %% NBVAL_CHECK_OUTPUT
from sotepki.records import first_break

with workspace.records.look() as session:
    print(say("chain", whole=say("yes" if first_break(session) is None else "no")))
print(say("identity-codes", count=sum(str(patient.hetu) in str(line.as_dict()) for line in lines)))

# %% [markdown] lang="en"
# ## What was shown

# %% [markdown] lang="fi"
# ## Mitä näytettiin

# %% [markdown] lang="sv"
# ## Vad som visades

# %% NBVAL_CHECK_OUTPUT
told.rules_shown(
    "doc.digest.body",
    "kanta.version.replaced",
    "doc.signer",
    "doc.prescriber-id",
    "kanta.client.organisation-sender",
    "access.restriction",
    "spare.days",
    "doc.certificate.revoked-later",
    "doc.right",
    language=LANGUAGE,
)

# %% [markdown] lang="en"
# | Who | Signs | With |
# |---|---|---|
# | prescriber | prescription, correction, cancellation | signature certificate of the card, with the prescriber's identifier |
# | pharmacist | dispensing | signature certificate of the card |
# | pharmacy's system | dispensing, renewal request | system signature certificate |
# | nobody | the connection is not a signature | server certificate, in mutual TLS |
#
# ## Exercises
#
# Each is checked: run the cell, do what it asks in the cell below it, then run the check. `hint()` helps, `explain()`
# tells afterwards what was to be learnt.

# %% [markdown] lang="fi"
# | Kuka | Allekirjoittaa | Millä |
# |---|---|---|
# | lääkkeen määrääjä | lääkemääräyksen, korjauksen, mitätöinnin | kortin allekirjoitusvarmenteella, jossa on yksilöintitunnus |
# | proviisori tai farmaseutti | lääketoimituksen | kortin allekirjoitusvarmenteella |
# | apteekin järjestelmä | lääketoimituksen, uusimispyynnön | järjestelmäallekirjoitusvarmenteella |
# | ei kukaan | yhteys ei ole allekirjoitus | palvelinvarmenteella, molemminpuolisessa TLS-yhteydessä |
#
# ## Harjoituksia
#
# Jokainen tarkistetaan: aja solu, tee sen alla olevassa solussa, mitä pyydetään, ja aja sitten tarkistus. `hint()`
# auttaa, `explain()` kertoo jälkeenpäin, mitä oli opittava.

# %% [markdown] lang="sv"
# | Vem | Undertecknar | Med |
# |---|---|---|
# | läkemedelsförskrivaren | recept, rättelse, makulering | kortets signaturcertifikat, med identifikationskod |
# | provisorn eller farmaceuten | expediering | kortets signaturcertifikat |
# | apotekets system | expediering, begäran om förnyelse | systemsignaturcertifikat |
# | ingen | förbindelsen är ingen underskrift | servercertifikat, i ömsesidig TLS |
#
# ## Övningar
#
# Varje övning kontrolleras: kör cellen, gör det den ber om i cellen under, och kör sedan kontrollen. `hint()`
# hjälper, `explain()` berättar efteråt vad som skulle läras.

# %%
from sotepki.training import task

prescribers = task("who-prescribes", workspace, language=LANGUAGE)
prescribers

# %%
# Your turn: answer = ["...", "..."]
answer = []

# %%
prescribers.check(answer)

# %%
forgotten = task("forgotten-card", workspace, language=LANGUAGE)
forgotten

# %%
# Your turn: receive blanks, issue one.

# %%
forgotten.check()

# %%
restricted = task("restricted-farmaseutti", workspace, language=LANGUAGE)
restricted

# %%
# Your turn: make the pharmacy's books true, and let it open.

# %%
restricted.check()

# %% [markdown] lang="en"
# And two without a check, for your own system:
#
# 1. Sign a prescription with a spare card of your test environment. *Expected: your system finds the other authority by itself,
#    without a release.*
# 2. Cancel a prescription from a screen that was opened before a colleague corrected it. *Expected: your system notices before
#    the Centre does.*

# %% [markdown] lang="fi"
# Ja kaksi ilman tarkistusta, omalle järjestelmällesi:
#
# 1. Allekirjoita lääkemääräys testiympäristösi varakortilla. *Odotettu tulos: järjestelmäsi löytää toisen varmentajan
#    itse, ilman uutta julkaisua.*
# 2. Mitätöi lääkemääräys näytöltä, joka avattiin, ennen kuin kollega korjasi sen. *Odotettu tulos: järjestelmäsi
#    huomaa sen ennen Reseptikeskusta.*

# %% [markdown] lang="sv"
# Och två utan kontroll, för ditt eget system:
#
# 1. Underteckna ett recept med ett tillfälligt kort i din testmiljö. *Väntat resultat: ditt system hittar den andra
#    certifikatutfärdaren själv, utan en ny version.*
# 2. Makulera ett recept från en skärm som öppnades innan en kollega rättade det. *Väntat resultat: ditt system märker
#    det före Receptcentret.*

# %%
stack.close()
close("pharmacy")
print("sotepki notebook: reached the end")
