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
#       fi: 04_ammattihenkilo
#       sv: 04_yrkesperson
# ---

# %% [markdown] lang="en"
# # The professional: five years and three cards
#
# Onni Kuurasalmi is a specialist physician (erikoislääkäri). After some years abroad he comes back to the central hospital
# of Tunturilaakso, and on his first morning he gets two things: a card over the desk of the registration point
# (rekisteröintipiste), and the promise of a letter.
#
# This notebook is his story with that card (ammattikortti). He takes it into use, logs in, signs, forgets a number over the
# summer, loses the card in a bus, works for a week with a spare card (varakortti), and five years later renews from his own
# desk. Everything that happens to him happens to many people every week, and each step has a rule behind it.
#
# You need no knowledge of cryptography. It takes half an hour to read and half a minute to run. Nobody here exists, every
# card says TEST, and the numbers he chooses are not a model for yours.

# %% [markdown] lang="fi"
# # Ammattihenkilö: viisi vuotta ja kolme korttia
#
# Onni Kuurasalmi on erikoislääkäri. Muutaman ulkomailla vietetyn vuoden jälkeen hän palaa Tunturilaakson keskussairaalaan,
# ja ensimmäisenä aamuna hän saa kaksi asiaa: kortin rekisteröintipisteen tiskiltä ja lupauksen kirjeestä.
#
# Tämä muistikirja kertoo, mitä hänelle ja hänen ammattikortilleen tapahtuu. Hän ottaa kortin käyttöön, kirjautuu,
# allekirjoittaa, unohtaa tunnusluvun kesälomalla, kadottaa kortin bussiin, tekee viikon töitä varakortilla ja uusii kortin
# viiden vuoden päästä omalta työpöydältään. Samaa sattuu joka viikko monelle, ja jokaisen vaiheen takana on sääntö.
#
# Salaustekniikkaa ei tarvitse tuntea. Lukemiseen menee puoli tuntia ja ajamiseen puoli minuuttia. Ketään näistä ihmisistä
# ei ole olemassa, jokaisessa kortissa lukee TEST, eikä Onnin tunnuslukuja kannata matkia. Ohjelma puhuu englantia, mutta
# jokaisen säännön selitys on suomeksi.

# %% [markdown] lang="sv"
# # Yrkespersonen: fem år och tre kort
#
# Onni Kuurasalmi är specialistläkare. Efter några år utomlands kommer han tillbaka till centralsjukhuset i Tunturilaakso, och
# den första morgonen får han två saker: ett kort över registreringsställets disk och löftet om ett brev.
#
# Den här anteckningsboken berättar vad som händer honom och hans yrkeskort. Han tar kortet i bruk, loggar in, undertecknar,
# glömmer en kod under semestern, tappar kortet på bussen, arbetar en vecka med ett tillfälligt kort och förnyar fem år
# senare kortet vid sitt eget skrivbord. Detsamma händer många varje vecka, och bakom varje steg finns en regel.
#
# Du behöver inte kunna något om kryptering. Det tar en halvtimme att läsa och en halv minut att köra. Ingen av personerna
# finns, på varje kort står TEST, och Onnis koder är inget att ta efter. Programmet talar engelska, men varje regel
# förklaras på svenska.

# %% lang="en"
LANGUAGE = "en"

# %% lang="fi"
LANGUAGE = "fi"

# %% lang="sv"
LANGUAGE = "sv"

# %%
from datetime import UTC, date, datetime, timedelta

from phrases import speaker
from professional_story import judged, log_in, signature_over, state_of
from story import close, new_workspace, table
from told import attempt, be_kind, rules_shown
from widgets import pin_pad

from sotepki.clock import finnish_day
from sotepki.dvv import IdentityProof
from sotepki.journey import load_cast
from sotepki.journey.card_holder import activation_code

be_kind(LANGUAGE)
say = speaker("04_professional", LANGUAGE)
workspace = new_workspace("professional", at=datetime(2026, 3, 2, 7, 30, tzinfo=UTC))
cast = load_cast()
vartti = workspace.vartti
onni = workspace.valvira.professional_of(cast.person("specialist-physician"))
organisation = workspace.thl.organisation(cast.organisation("hospital"))
registrar = cast.person("registrar-county-1")
PASSPORT = IdentityProof("passport", valid_to=date(2035, 5, 31))


def later(days):
    """Time goes by, and what it brings is done: letters are posted, cards grow old."""
    workspace.clock.advance(timedelta(days=days))
    workspace.catch_up()


def day(moment):
    """A day as it stands on a card and on a calendar."""
    return f"{finnish_day(moment):%-d.%-m.%Y}"


# %% [markdown] lang="en"
# ## 1. The card and the letter travel apart
#
# Onni shows his passport. Raili Kaamosjärvi, the registrar (rekisteröijä), orders a card in Vartti, DVV makes it, and two
# weeks later he fetches it. The card alone is worth nothing: it has no PIN yet. The code that opens it goes by post to his
# home, some working days later, so that whoever steals one of the two has only half.

# %% [markdown] lang="fi"
# ## 1. Kortti ja kirje kulkevat eri teitä
#
# Onni näyttää passinsa. Rekisteröijä Raili Kaamosjärvi tilaa kortin Vartissa, DVV valmistaa sen, ja kahden viikon päästä
# Onni hakee sen. Pelkällä kortilla ei tee mitään, sillä siinä ei ole vielä tunnuslukuja. Koodi, jolla kortti avataan, tulee
# postissa kotiin joitakin työpäiviä myöhemmin. Näin se, joka varastaa toisen, saa vain puolet.

# %% [markdown] lang="sv"
# ## 1. Kortet och brevet går skilda vägar
#
# Onni visar sitt pass. Registreraren Raili Kaamosjärvi beställer ett kort i Vartti, MDB tillverkar det, och två veckor
# senare hämtar han det. Kortet ensamt är inget värt: det har ännu inga koder. Koden som öppnar det kommer med posten till
# hemmet några arbetsdagar senare. Den som stjäl det ena har alltså bara hälften.

# %%
order = vartti.order_professional_card(
    registrar=registrar, applicant=onni.person.hetu, identity=PASSPORT, right_code="001"
)
later(14)
number = vartti.personalise(order.id).card_number
later(2)
order = vartti.hand_over(number, registrar=registrar, identity=PASSPORT)
later(5)
days = {step.step: finnish_day(step.at) for step in vartti.history(order.id)}

# %%
from registrar_pictures import Stop, two_ways

two_ways(
    {
        say("the card"): [
            Stop(days["place"], say("ordered")),
            Stop(days["deliver"], say("made")),
            Stop(days["hand-over"], say("handed out")),
        ],
        say("the letter"): [Stop(days["deliver"], say("made")), Stop(days["post-letter"], say("posted"))],
    }
)

# %% [markdown] lang="en"
# On the front stand his name, his profession, and two numbers. The registration number (rekisteröintinumero) is his for
# life: by it, and not by his name, every system finds his rights. The card number is that of this card only. How the front
# is laid out in detail is not public; the picture takes a liberty.

# %% [markdown] lang="fi"
# Kortin etupuolella ovat nimi, ammattinimike ja kaksi numeroa. Rekisteröintinumero on Onnin koko elämän: sen perusteella
# jokainen järjestelmä löytää hänen ammattioikeutensa, ei nimen. Kortin numero on vain tämän kortin. Etupuolen tarkkaa
# ulkoasua ei ole julkaistu, joten kuva on vapaamuotoinen.

# %% [markdown] lang="sv"
# På framsidan står hans namn, hans yrke och två nummer. Registreringsnumret är hans för hela livet: med det, inte med
# namnet, hittar varje system hans rättigheter. Kortets nummer gäller bara detta kort. Hur framsidan ser ut i detalj är inte
# offentligt, så bilden är fritt ritad.

# %%
from professional_pictures import Face, card_face

right = next(one for one in onni.rights if one.code == order.right_code)
card_face(
    Face(
        title=say("card title"),
        surname=onni.person.surname,
        given_name=onni.person.first_name,
        profession=f"{right.title_fi} / {right.title_sv}",
        registration_number=str(onni.registration_number),
        serial=number,
        valid_to=day(order.not_after),
    ),
    (say("registration number"), say("card number"), say("valid to")),
)

# %% [markdown] lang="en"
# And this is the letter (aktivointitunnuslukukirje). We have put bullets over the code, since nobody but Onni should read
# it; on the chip it cannot be changed, so he will need it for as long as he has the card.

# %% [markdown] lang="fi"
# Tässä on aktivointitunnuslukukirje. Koodin päällä on pisteitä, koska se ei kuulu muille kuin Onnille. Sirulla koodia ei
# voi vaihtaa, joten hän tarvitsee sitä niin kauan kuin kortti on hänellä.

# %% [markdown] lang="sv"
# Här är kodbrevet. Vi har satt punkter över koden, för den angår ingen annan än Onni. På chippet kan koden inte bytas, så
# han behöver den så länge han har kortet.

# %% tags=["nbval-check-output"]
code = activation_code(workspace, number)
letter = next((workspace.directory / "outbox" / "letters").glob(f"*{number}*")).read_text(encoding="utf-8")
print(letter.replace(code.reveal(), "●" * len(code)).rstrip())

# %% [markdown] lang="en"
# ## 2. Taking the card into use
#
# At home Onni puts the card into his reader (kortinlukija), and the card reader software (kortinlukijaohjelmisto) asks for
# three numbers: the code of the letter, and two of his own. Below is such a reader. In JupyterLab it has keys; on a printed
# page you see its counters.

# %% [markdown] lang="fi"
# ## 2. Kortin käyttöönotto
#
# Kotona Onni työntää kortin lukijaan, ja kortinlukijaohjelmisto kysyy kolme lukua: kirjeen koodin ja kaksi, jotka hän
# valitsee itse. Alla on tällainen lukija. JupyterLabissa siinä on näppäimet, tulosteessa näkyvät laskurit.

# %% [markdown] lang="sv"
# ## 2. Kortet tas i bruk
#
# Hemma sätter Onni kortet i läsaren, och kortläsarprogrammet frågar efter tre tal: brevets kod och två som han själv
# väljer. Här nedanför finns en sådan läsare. I JupyterLab har den knappar, på en utskrift syns räknarna.

# %% tags=["nbval-check-output"]
pad = pin_pad(workspace, number, language=LANGUAGE)
pad

# %% [markdown] lang="en"
# He begins with a short number. The software knows how long a PIN of this card must be and does not even ask the chip; no
# try is lost.

# %% [markdown] lang="fi"
# Ensin hän yrittää lyhyttä lukua. Ohjelmisto tietää, kuinka pitkä tunnusluvun pitää tässä kortissa olla, eikä edes kysy
# sirulta. Yhtään yritystä ei kulu.

# %% [markdown] lang="sv"
# Först försöker han med ett kort tal. Programmet vet hur lång en kod på detta kort ska vara och frågar inte ens chippet.
# Inget försök går åt.

# %% tags=["nbval-check-output"]
PIN1, PIN2 = "4711", "192837"
pad.activate(code, "471", PIN2)

# %% tags=["nbval-check-output"]
pad.activate(code, PIN1, PIN2)
vartti.note_activation(number, actor=onni.person.hetu)
pad

# %% [markdown] lang="en"
# Two PINs, because a card does two different things. What the chip holds, anybody may read; what the keys do, only who
# knows the numbers.

# %% [markdown] lang="fi"
# Tunnuslukuja on kaksi, koska kortti tekee kahta eri asiaa. Sirun varmenteet saa lukea kuka tahansa, mutta avaimia käyttää
# vain se, joka tietää tunnusluvut.

# %% [markdown] lang="sv"
# Det finns två koder, eftersom kortet gör två olika saker. Certifikaten på chippet får vem som helst läsa, men nycklarna
# används bara av den som kan koderna.

# %% tags=["nbval-check-output"]
content = workspace.cards.read(number)
table(
    (say("key"), say("opened by"), say("name of certificate"), say("valid to")),
    [
        (say(f"key {use}"), say(f"opened {pin}"), say(f"certificate {use}"), day(one.not_valid_after_utc))
        for (use, one), pin in zip(content.certificates.items(), ("pin1", "pin2"), strict=True)
    ],
)

# %% [markdown] lang="en"
# Three habits are worth having from the first day: the letter in a safe place and not in the bag with the card; two
# different PINs, none of them a birthday; and never a colleague's card, not even for a minute. A login with your card *is*
# you.
#
# ## 3. The first morning: logging in
#
# The hospital's system never sees a PIN. It makes a number up that nobody has used before (a *challenge*), the card signs
# it with the authentication key, and then the system asks four questions, in this order. Only the first is about the card.

# %% [markdown] lang="fi"
# Kolme tapaa kannattaa omaksua heti: kirje pidetään tallessa eikä samassa laukussa kortin kanssa, tunnusluvut ovat
# keskenään erilaiset eikä kumpikaan ole syntymäpäivä, eikä toisen korttia käytetä edes minuutin ajan. Kun kortillasi
# kirjaudutaan, kirjautuja *olet* sinä.
#
# ## 3. Ensimmäinen aamu: kirjautuminen
#
# Sairaalan järjestelmä ei koskaan näe tunnuslukua. Se keksii luvun, jota kukaan ei ole ennen käyttänyt (*haaste*), kortti
# allekirjoittaa sen todentamisavaimella, ja sitten järjestelmä kysyy neljä kysymystä tässä järjestyksessä. Vain ensimmäinen
# niistä koskee korttia.

# %% [markdown] lang="sv"
# Tre vanor är bra att ha från första dagen: brevet på ett säkert ställe och inte i väskan med kortet, två olika koder och
# ingen av dem en födelsedag, och aldrig en kollegas kort, inte ens för en minut. En inloggning med ditt kort *är* du.
#
# ## 3. Den första morgonen: inloggning
#
# Sjukhusets system ser aldrig någon kod. Det hittar på ett tal som ingen har använt förut (en *utmaning*), kortet signerar
# talet med autentiseringsnyckeln, och sedan ställer systemet fyra frågor i den här ordningen. Bara den första gäller
# kortet.


# %% tags=["nbval-check-output"]
def tell(login):
    """The four questions and their answers."""
    print(say("login accepted" if login.accepted else "login refused"))
    print("  1", say("question key"), say("yes" if login.key else "no"))
    print("  2", say("question certificate"), say("yes" if login.certificate else "no"))
    print("  3", say("question state"), say(f"state {login.state}"))
    print("  4", say("question rights"), ", ".join(login.rights) or "-")


pad.remove()
card = workspace.cards.insert(number)
attempt(say("login without pin"), lambda: log_in(workspace, card), LANGUAGE)
card.remove()

# %% tags=["nbval-check-output"]
from sotepki.tokens import Pin

with workspace.cards.insert(number) as card:
    card.verify_pin1(Pin(PIN1))
    tell(log_in(workspace, card))
    next_login = log_in(workspace, card)  # the next system, an hour later, with the card still in the reader
    print(say("login accepted" if next_login.accepted else "login refused"))

# %% [markdown] lang="en"
# PIN1 (perustunnusluku) is asked once and then serves until the card is pulled: the second system came without typing. That
# is comfortable, and it is why the card leaves the room with you.
#
# The fourth question is the one that is forgotten most. A certificate says who somebody *is*; whether he may practise
# today, only Valvira's register knows. Onni has two rights in force, as a physician and as a specialist. If they were
# removed this afternoon, his card would still work, and a good system would still send him away.
#
# ## 4. Signing: one PIN2, one signature
#
# After the first patient Onni writes a record. A signature is a different matter from a login: it binds him for decades. So
# the signature key asks for PIN2 (allekirjoitustunnusluku), and forgets it after **one** use.

# %% [markdown] lang="fi"
# Perustunnusluku (PIN1) kysytään kerran, ja se riittää kortin poistamiseen saakka: toiseen järjestelmään pääsi
# näppäilemättä. Se on mukavaa, ja juuri siksi kortti lähtee huoneesta samalla kun sinäkin.
#
# Neljäs kysymys unohtuu useimmin. Varmenne kertoo, kuka joku *on*, mutta saako hän tänään harjoittaa ammattiaan, sen tietää
# vain Valviran rekisteri. Onnilla on voimassa kaksi oikeutta, lääkärin ja erikoislääkärin. Jos ne poistettaisiin
# iltapäivällä, kortti toimisi yhä, ja hyvä järjestelmä kieltäytyisi silti.
#
# ## 4. Allekirjoittaminen: yksi PIN2, yksi allekirjoitus
#
# Ensimmäisen potilaan jälkeen Onni kirjoittaa kertomuksen. Allekirjoitus on eri asia kuin kirjautuminen, sillä se sitoo
# häntä vuosikymmeniä. Siksi allekirjoitusavain pyytää allekirjoitustunnusluvun (PIN2) ja unohtaa sen **yhden** käytön
# jälkeen.

# %% [markdown] lang="sv"
# Baskoden (PIN1) frågas en gång och räcker sedan tills kortet tas ut: det andra systemet krävde ingen ny knappning. Det är
# bekvämt, och just därför lämnar kortet rummet tillsammans med dig.
#
# Den fjärde frågan glöms oftast bort. Ett certifikat säger vem någon *är*; om han får utöva sitt yrke i dag vet bara
# Valviras register. Onni har två rättigheter i kraft, som läkare och som specialistläkare. Om de togs bort i eftermiddag
# skulle kortet fortfarande fungera, och ett bra system skulle ändå säga nej.
#
# ## 4. Att underteckna: en PIN2, en underskrift
#
# Efter den första patienten skriver Onni en journal. En underskrift är något annat än en inloggning: den binder honom i
# årtionden. Därför vill signaturnyckeln ha signaturkoden (PIN2), och glömmer den efter **en** användning.

# %% tags=["nbval-check-output"]
from sotepki.documents import build_patient_record, sign_as_professional
from sotepki.identifiers import Oid

record = build_patient_record(
    client=workspace.population.person(cast.person("client-adult")),
    organisation=organisation,
    author=onni,
    document_oid=Oid.parse("1.2.246.10.99000018.93.2026.31"),
    created=workspace.clock.now(),
)


def sign(card, professional=onni):
    """The record, signed by the card now."""
    return sign_as_professional(
        record,
        key=card.signature_key,
        certificate=card.certificate("signature"),
        professional=professional,
        at=workspace.clock.now(),
    )


def said(what, document):
    """What a receiver says of a document today."""
    verdict, rules = judged(workspace, document)
    print(f"{what}: {say(f'verdict {verdict}')}; {', '.join(rules) or say('no rule')}")


with workspace.cards.insert(number) as card:
    card.verify_pin2(Pin(PIN2))
    signed = sign(card)
    print(say("one signature"))
    attempt(say("second signature"), lambda: sign(card), LANGUAGE)
said(say("the record"), signed)

# %% [markdown] lang="en"
# Fifty records are fifty times PIN2. Some systems type it for you; then they keep it in their memory, and the sentence "I
# signed this" gets a little thinner each time. A reader of the record does not see how it was typed. You do.
#
# ## 5. A Monday after the summer: the locked PIN
#
# In August Onni comes back from four weeks at the lake. He knows that his PIN1 had four digits. The reader counts.

# %% [markdown] lang="fi"
# Viisikymmentä kertomusta tarkoittaa viittäkymmentä kertaa PIN2. Jotkin järjestelmät näppäilevät sen puolestasi. Silloin ne
# pitävät sitä muistissaan, ja lause ”minä allekirjoitin tämän” ohenee joka kerralla hiukan. Kertomuksen lukija ei näe, kuka
# tunnusluvun näppäili. Sinä näet.
#
# ## 5. Maanantai kesäloman jälkeen: lukkiutunut tunnusluku
#
# Elokuussa Onni palaa neljän viikon mökkilomalta. Hän muistaa, että perustunnusluvussa (PIN1) oli neljä numeroa. Lukija
# laskee.

# %% [markdown] lang="sv"
# Femtio journaler är femtio gånger PIN2. En del system knappar in den åt dig. Då har de den i sitt minne, och meningen ”jag
# har undertecknat detta” blir lite tunnare för varje gång. Den som läser journalen ser inte vem som knappade. Det gör du.
#
# ## 5. En måndag efter semestern: den låsta koden
#
# I augusti kommer Onni tillbaka från fyra veckor vid stugan. Han minns att baskoden (PIN1) hade fyra siffror. Läsaren
# räknar.

# %% tags=["nbval-check-output"]
later(140)
morning = [(say("begin"), pad.tries["pin1"])]
for guess in ("4117", "7411", "1147", "4714", "1974"):
    pad.give("pin1", guess)
    morning.append((f"{say('wrong')}, {guess}", pad.tries["pin1"]))
pad.give("pin1", PIN1)
morning.append((say("right too late"), pad.tries["pin1"]))
pad

# %% [markdown] lang="en"
# Five wrong tries in a row lock a PIN, and then even the right one is refused. Now the letter from spring is worth its
# place in the drawer: the same code that took the card into use opens it again, and Onni chooses a new PIN. The two PINs
# are counted apart, so he could have signed all the time.

# %% [markdown] lang="fi"
# Viisi väärää yritystä peräkkäin lukitsee tunnusluvun, ja sen jälkeen oikeakaan ei kelpaa. Nyt keväinen kirje on
# laatikossaan paikallaan: sama koodi, jolla kortti otettiin käyttöön, avaa sen, ja Onni valitsee uuden tunnusluvun.
# Tunnusluvuilla on eri laskurit, joten allekirjoittaa hän olisi voinut koko ajan.

# %% [markdown] lang="sv"
# Fem fel försök i följd låser en kod, och då duger inte ens den rätta. Nu gör vårens brev nytta i lådan: samma kod som tog
# kortet i bruk låser upp det, och Onni väljer en ny baskod. De två koderna räknas var för sig, så underteckna hade han
# kunnat göra hela tiden.

# %% tags=["nbval-check-output"]
PIN1 = "5813"
pad.unlock("pin1", code, PIN1)
morning.append((say("by the code"), pad.tries["pin1"]))
pad

# %%
from card_pictures import tries_left

tries_left(morning, left=say("tries left"), locked=say("locked"))

# %% [markdown] lang="en"
# The code has a counter of its own. How many tries a real card gives it is not public; here there are five, and when they
# are gone nothing opens the card any more.
#
# And if the letter is lost? DVV does not take a call about it. Onni visits the registration point with his passport, and
# the registrar orders another letter in Vartti. He cannot order it himself, and he learns why: a letter to whoever asks
# would be a card to whoever asks.

# %% [markdown] lang="fi"
# Koodilla on oma laskurinsa. Sitä, montako yritystä oikea kortti sille antaa, ei ole julkaistu. Täällä yrityksiä on viisi,
# ja kun ne on käytetty, korttia ei avaa enää mikään.
#
# Entä jos kirje on kadonnut? DVV ei ota sellaista tilausta vastaan. Onni menee rekisteröintipisteeseen passin kanssa, ja
# rekisteröijä tilaa Vartissa uuden kirjeen. Itse hän ei voi sitä tilata, ja syy selviää: jos kirjeen saisi pyytämällä,
# kortinkin saisi pyytämällä.

# %% [markdown] lang="sv"
# Koden har en egen räknare. Hur många försök ett verkligt kort ger den är inte offentligt. Här är de fem, och när de är
# slut öppnar ingenting kortet mera.
#
# Och om brevet är borta? MDB tar inte emot en sådan beställning. Onni går till registreringsstället med sitt pass, och
# registreraren beställer ett nytt brev i Vartti. Själv kan han inte beställa det, och han får veta varför: ett brev till
# var och en som frågar vore ett kort till var och en som frågar.

# %% tags=["nbval-check-output"]
attempt(
    say("new letter by himself"),
    lambda: vartti.order_new_code(number, registrar=onni.person.hetu, identity=PASSPORT),
    LANGUAGE,
)
vartti.order_new_code(number, registrar=registrar, identity=PASSPORT)
workspace.catch_up()
letters = list((workspace.directory / "outbox" / "letters").glob(f"*{number}*"))
same = activation_code(workspace, number) == code
print(say("letters sent", count=len(letters), same=say("yes" if same else "no")))

# %% [markdown] lang="en"
# ## 6. A Thursday in October: the card is gone
#
# On the bus home it was still in his pocket. Onni calls the revocation service, which answers day and night; here he closes
# the card himself. Both certificates are revoked at once, for good. He signed this morning, so we look at four things: his
# login, this morning's record, what a thief could do who had watched him type, and the chip.

# %% [markdown] lang="fi"
# ## 6. Torstai lokakuussa: kortti on poissa
#
# Bussissa se oli vielä taskussa. Onni soittaa sulkupalveluun, joka vastaa yötä päivää; tässä hän sulkee kortin itse.
# Molemmat varmenteet suljetaan heti ja lopullisesti. Hän ehti aamulla allekirjoittaa, joten katsomme neljää asiaa:
# kirjautumista, aamun kertomusta, sitä, mihin pystyisi varas, joka oli nähnyt tunnusluvun, ja sirua.

# %% [markdown] lang="sv"
# ## 6. En torsdag i oktober: kortet är borta
#
# På bussen hem fanns det ännu i fickan. Onni ringer spärrtjänsten, som svarar dygnet runt; här spärrar han kortet själv.
# Båda certifikaten spärras genast och för gott. Han hann underteckna på morgonen, så vi ser på fyra saker: hans inloggning,
# morgonens journal, vad en tjuv kunde göra som hade sett honom knappa, och chippet.

# %% tags=["nbval-check-output"]
later(66)
pad.remove()
with workspace.cards.insert(number) as card:
    card.verify_pin2(Pin(PIN2))
    signed = sign(card)
workspace.clock.advance(timedelta(hours=9))
lost = vartti.close_card(number, "lost", onni.person.hetu)
workspace.clock.advance(timedelta(hours=1))

with workspace.cards.insert(number) as card:
    card.verify_pin1(Pin(PIN1))
    tell(log_in(workspace, card))
    card.verify_pin2(Pin(PIN2))
    stolen = sign(card)
said(say("before the loss"), signed)
said(say("after the loss"), stolen)

# %% [markdown] lang="en"
# The chip knows nothing. It took both PINs and signed, as it did yesterday: whether a card is revoked is never written on
# the card, only in DVV's books, its list and its responder. So the thief is stopped by those who *ask*, and by nobody else.
# The record of the morning stays valid, because it was signed before the revocation; the receiver merely notes that the
# card was revoked later.
#
# On Saturday the driver finds the card under a seat.

# %% [markdown] lang="fi"
# Siru ei tiedä mitään. Se otti vastaan molemmat tunnusluvut ja allekirjoitti kuten eilenkin. Kortin sulkeminen ei näy
# kortilla vaan vain DVV:n kirjoissa, sulkulistalla ja tilakyselyssä. Varkaan pysäyttävät siis ne, jotka *kysyvät*, eivätkä
# ketkään muut. Aamun kertomus pysyy pätevänä, koska se allekirjoitettiin ennen sulkemista. Vastaanottaja vain huomaa, että
# kortti suljettiin myöhemmin.
#
# Lauantaina kuljettaja löytää kortin penkin alta.

# %% [markdown] lang="sv"
# Chippet vet ingenting. Det tog emot båda koderna och signerade precis som i går. Att ett kort är spärrat står aldrig på
# kortet, bara i MDB:s böcker, i spärrlistan och i statustjänsten. Tjuven stoppas alltså av dem som *frågar*, och av ingen
# annan. Morgonens journal förblir giltig, för den undertecknades före spärrningen. Mottagaren noterar bara att kortet
# spärrades senare.
#
# På lördagen hittar chauffören kortet under ett säte.

# %% tags=["nbval-check-output"]
later(2)
found = vartti.report_found(number, onni.person.hetu)
print(say("found again", state=say(f"state-{found.state}")))

# %% [markdown] lang="en"
# A revocation is never undone, not even for an honest finder. Onni needs a new card.
#
# ## 7. A week with a spare card
#
# A new card takes about two weeks, and the ward cannot wait. The registration point keeps blanks (varakortti) in a locked
# cabinet. Raili puts her own card into one reader and a blank into the other; Onni shows his passport and types his PINs on
# the spot, so no letter is sent. The certificates are temporary (tilapäisvarmenne); how long, is decided now. Sixty days is
# not a spare card, that is a wish.

# %% [markdown] lang="fi"
# Sulkemista ei peruta, ei edes rehellisen löytäjän takia. Onni tarvitsee uuden kortin.
#
# ## 7. Viikko varakortilla
#
# Uuden kortin saaminen kestää noin kaksi viikkoa, eikä osasto voi odottaa. Rekisteröintipisteessä on tyhjiä varakortteja
# lukitussa kaapissa. Raili panee oman korttinsa toiseen lukijaan ja tyhjän kortin toiseen, Onni näyttää passinsa ja
# näppäilee tunnuslukunsa paikalla, joten kirjettä ei lähetetä. Varmenteet ovat tilapäisvarmenteita, ja niiden kesto
# päätetään nyt. Kuusikymmentä päivää ei ole varakortti vaan toive.

# %% [markdown] lang="sv"
# En spärrning hävs aldrig, inte ens för en ärlig upphittares skull. Onni behöver ett nytt kort.
#
# ## 7. En vecka med ett tillfälligt kort
#
# Ett nytt kort tar ungefär två veckor, och avdelningen kan inte vänta. Registreringsstället har tomma kort i ett låst skåp.
# Raili sätter sitt eget kort i den ena läsaren och ett tomt kort i den andra, Onni visar sitt pass och knappar in sina
# koder på stället, så inget brev skickas. Certifikaten är tillfälliga, och hur länge de gäller bestäms nu. Sextio dagar är
# inget tillfälligt kort, det är en önskan.

# %% tags=["nbval-check-output"]
(blank,) = workspace.spare_cards.receive_blanks(1, registrar=registrar)
wanted = {"registrar": registrar, "holder": onni.person.hetu, "identity": PASSPORT, "right_code": "001"}
attempt(say("spare sixty"), lambda: workspace.spare_cards.issue(blank.number, days=60, **wanted), LANGUAGE)

spare = workspace.spare_cards.issue(blank.number, days=14, **wanted)
spare_made = workspace.clock.now()
print(say("spare until", card=spare.number, day=day(spare.not_after)))
with workspace.cards.insert(spare.number) as card:
    card.activate(spare.activation_code, Pin(PIN1), Pin(PIN2))
    card.verify_pin1(Pin(PIN1))
    print(say("login accepted" if log_in(workspace, card).accepted else "login refused"))
    card.verify_pin2(Pin(PIN2))
    with_spare = sign(card)
said(say("with the spare card"), with_spare)

# %% [markdown] lang="en"
# The record is valid. The receiver merely remarks that a temporary certificate is of another profile than that of a
# professional card, and a system that insists on the usual one should know of spare cards.
#
# Meanwhile the new card is made: ordered in person, since the old one is closed, with a letter of its own. When it is in
# use, the spare card goes back. Its certificates are revoked, the chip is emptied, and it lies with the blanks again.
# Forgotten spare cards are the ones that registrars dream of at night.

# %% [markdown] lang="fi"
# Kertomus on pätevä. Vastaanottaja vain huomaa, että tilapäisvarmenteen profiili on toinen kuin ammattikortin.
# Järjestelmän, joka vaatii tavallista, pitäisi tuntea varakortit.
#
# Sillä välin valmistuu uusi kortti: se tilataan käymällä, koska vanha on suljettu, ja sille tulee oma kirje. Kun uusi on
# käytössä, varakortti palautetaan. Sen varmenteet suljetaan, siru tyhjennetään, ja kortti pannaan takaisin tyhjien
# joukkoon. Palauttamatta jääneistä varakorteista rekisteröijät näkevät unia.

# %% [markdown] lang="sv"
# Journalen är giltig. Mottagaren noterar bara att det tillfälliga certifikatet har en annan profil än yrkeskortets. Ett
# system som kräver den vanliga borde känna till de tillfälliga korten.
#
# Under tiden tillverkas det nya kortet: det beställs på plats, eftersom det gamla är spärrat, och får ett eget brev. När
# det är i bruk lämnas det tillfälliga kortet tillbaka. Dess certifikat spärras, chippet töms, och det läggs bland de tomma
# korten igen. Glömda tillfälliga kort är vad registrerare drömmer om på nätterna.

# %% tags=["nbval-check-output"]
second = vartti.order_professional_card(
    registrar=registrar, applicant=onni.person.hetu, identity=PASSPORT, right_code="001"
)
second = vartti.personalise(second.id)
vartti.hand_over(second.card_number, registrar=registrar, identity=PASSPORT)
later(7)
pad = pin_pad(workspace, second.card_number, language=LANGUAGE)
pad.activate(activation_code(workspace, second.card_number), PIN1, PIN2)
second = vartti.note_activation(second.card_number, actor=onni.person.hetu)
pad.remove()

certificate = workspace.cards.read(spare.number).certificates["signature"]
back = workspace.spare_cards.take_back(spare.number, registrar=registrar)
spare_returned = workspace.clock.now()
status = say(f"state {state_of(workspace, certificate)}")
print(say("card is", card=second.card_number, state=say(f"state-{second.state}")))
print(say("spare is", card=back.number, state=say(f"state-{back.state}"), status=status))

# %% [markdown] lang="en"
# ## 8. Five years later: renewal in the self-service
#
# A card is valid for five years, and none comes by itself. The holder renews it in the self-service (Omakortti), with the
# present card in the reader, when less than three months are left. Onni is a careful man and tries two years too early.

# %% [markdown] lang="fi"
# ## 8. Viisi vuotta myöhemmin: uusiminen itsepalvelussa
#
# Kortti on voimassa viisi vuotta, eikä uusi tule itsestään. Kortinhaltija uusii sen Omakortissa nykyinen kortti lukijassa,
# kun voimassaoloa on jäljellä alle kolme kuukautta. Onni on huolellinen mies ja yrittää kaksi vuotta liian aikaisin.

# %% [markdown] lang="sv"
# ## 8. Fem år senare: förnyelse i självbetjäningen
#
# Ett kort gäller i fem år, och inget nytt kommer av sig självt. Innehavaren förnyar det i självbetjäningen (Mittkort) med
# det nuvarande kortet i läsaren, när mindre än tre månader återstår. Onni är en noggrann man och försöker två år för
# tidigt.


# %% tags=["nbval-check-output"]
def renew(pin):
    """In the self-service: the card signs its challenge, and so orders its successor."""
    challenge = vartti.renewal_challenge(second.card_number)
    with workspace.cards.insert(second.card_number) as card:
        card.verify_pin1(Pin(pin))
        answer = signature_over(card.authentication_key, challenge)
    return vartti.renew(second.card_number, challenge, answer)


later(365 * 3)
attempt(say("too early"), lambda: renew(PIN1), LANGUAGE)

later(640)
for one in vartti.reminders_sent():
    print(say("reminder", card=one.card_number, day=f"{one.valid_to:%-d.%-m.%Y}"))

# %% [markdown] lang="en"
# The reminder is a kindness of this workspace; in life the card reader software warns a month before the end, and the
# calendar on the wall does the rest. Who lets the card lapse starts again at the desk, with a passport.
#
# Now the window is open. A wrong PIN costs a try and renews nothing.

# %% [markdown] lang="fi"
# Muistutus on tämän työtilan kohteliaisuutta. Todellisuudessa kortinlukijaohjelmisto varoittaa kuukautta ennen, ja loput
# hoitaa seinäkalenteri. Joka päästää kortin vanhenemaan, aloittaa taas tiskiltä passin kanssa.
#
# Nyt uusiminen on mahdollista. Väärä tunnusluku kuluttaa yrityksen eikä uusi mitään.

# %% [markdown] lang="sv"
# Påminnelsen är en artighet av denna arbetsyta. I verkligheten varnar kortläsarprogrammet en månad före slutet, och resten
# sköter väggkalendern. Den som låter kortet gå ut börjar om vid disken, med ett pass.
#
# Nu är det möjligt att förnya. En fel kod kostar ett försök och förnyar ingenting.

# %% tags=["nbval-check-output"]
attempt(say("renewal wrong pin"), lambda: renew("0000"), LANGUAGE)
third = renew(PIN1)
print(say("new order", order=third.id, state=say(f"state-{third.state}"), delivery=say(third.delivery)))

# %% [markdown] lang="en"
# The new card is the same as the present one: the same name, the same profession, the same registration number. Had Onni
# married and taken another name, the self-service would have refused, and he would have stood at the desk again.
#
# The card comes by post, the letter some days later. The old card works until the new one is in use, and not a minute
# longer.

# %% [markdown] lang="fi"
# Uusi kortti on samanlainen kuin nykyinen: sama nimi, sama ammattinimike, sama rekisteröintinumero. Jos Onni olisi mennyt
# naimisiin ja vaihtanut nimeä, itsepalvelu olisi kieltäytynyt, ja hän olisi taas seissyt tiskillä.
#
# Kortti tulee postissa, kirje muutamaa päivää myöhemmin. Vanha kortti toimii siihen asti, kun uusi on otettu käyttöön, eikä
# minuuttiakaan kauempaa.

# %% [markdown] lang="sv"
# Det nya kortet är likadant som det nuvarande: samma namn, samma yrke, samma registreringsnummer. Hade Onni gift sig och
# bytt namn, skulle självbetjäningen ha sagt nej, och han hade stått vid disken igen.
#
# Kortet kommer med posten, brevet några dagar senare. Det gamla kortet fungerar tills det nya är i bruk, och inte en minut
# längre.

# %% tags=["nbval-check-output"]
third = vartti.personalise(third.id)
later(8)
pad = pin_pad(workspace, third.card_number, language=LANGUAGE)
pad.activate(activation_code(workspace, third.card_number), PIN1, PIN2)
third = vartti.note_activation(third.card_number, actor=onni.person.hetu)
pad.remove()
for one in (second.card_number, third.card_number):
    print(say("card is", card=one, state=say(f"state-{vartti.card(one).state}")))
with workspace.cards.insert(second.card_number) as card:
    card.verify_pin1(Pin(PIN1))
    tell(log_in(workspace, card))

# %% [markdown] lang="en"
# Five years on one picture. Pale is how long each card could have lived, dark how long it was in use, the cross is its end.
# The line is the day on which we stop looking, half a year later.

# %% [markdown] lang="fi"
# Viisi vuotta yhdessä kuvassa. Vaalea on aika, jonka kortti olisi voinut elää, tumma aika, jonka se oli käytössä, ja risti
# sen loppu. Viiva on päivä, jona lopetamme katselun, puoli vuotta myöhemmin.

# %% [markdown] lang="sv"
# Fem år på en bild. Ljust är så länge varje kort kunde ha levat, mörkt så länge det var i bruk, och krysset är dess slut.
# Linjen är dagen då vi slutar titta, ett halvår senare.

# %%
from professional_pictures import Life, lives

later(180)
second = vartti.card(second.card_number)
cards = [
    ("first card", lost.card_number, lost.not_after, order.handed_over_at, lost.closed_at, "how lost"),
    ("spare card", spare.number, spare.not_after, spare_made, spare_returned, "how returned"),
    ("second card", second.card_number, second.not_after, second.activated_at, second.closed_at, "how replaced"),
    ("third card", third.card_number, third.not_after, third.activated_at, None, "how in use"),
]
lives(
    [
        Life(
            name=say(name, card=number_on_card),
            used=finnish_day(used),
            ended=finnish_day(ended) if ended else None,
            valid_to=finnish_day(valid_to),
            how=say(how),
        )
        for name, number_on_card, valid_to, used, ended, how in cards
    ],
    finnish_day(workspace.clock.now()),
)

# %% [markdown] lang="en"
# ## What was shown
#
# Each of these rules has refused something above, or let it pass for a reason. The last column says how firmly the rule is
# known: what a public source confirms, and what is a choice of this workspace.

# %% [markdown] lang="fi"
# ## Mitä näytettiin
#
# Jokainen näistä säännöistä on edellä hylännyt jotakin tai päästänyt jonkin läpi syystä. Viimeinen sarake kertoo, kuinka
# varmasti sääntö tunnetaan: minkä julkinen lähde vahvistaa ja mikä on tämän työtilan valinta.

# %% [markdown] lang="sv"
# ## Vad som visades
#
# Var och en av dessa regler har ovan avslagit något eller släppt igenom något av en orsak. Den sista kolumnen säger hur
# säkert regeln är känd: vad en offentlig källa bekräftar, och vad som är ett val i denna arbetsyta.

# %% tags=["nbval-check-output"]
rules_shown(
    "card.pin.form",
    "card.pin1.not-verified",
    "card.pin2.not-verified",
    "card.pin.wrong",
    "card.pin.locked",
    "code.actor",
    "doc.certificate.revoked",
    "doc.certificate.revoked-later",
    "spare.days",
    "renewal.window",
    "renewal.same",
    language=LANGUAGE,
)

# %% [markdown] lang="en"
# ## Exercises
#
# Six situations with other people, in a fresh workspace called `exercises`, where it is spring again; what the hints call
# `workspace` is that one. Read, do, and let yourself be checked; `hint()` helps, `explain()` tells what was to be learnt.
# Solutions are in a notebook of their own.
#
# ### Taking a card into use

# %% [markdown] lang="fi"
# ## Harjoituksia
#
# Kuusi tilannetta, joissa on muita ihmisiä, uudessa työtilassa `exercises`, jossa on taas kevät; vihjeiden `workspace`
# on se. Lue, tee ja anna tarkistaa. `hint()` auttaa, `explain()` kertoo, mitä oli opittava. Ratkaisut ovat omassa
# muistikirjassaan.
#
# ### Kortti käyttöön

# %% [markdown] lang="sv"
# ## Övningar
#
# Sex situationer med andra personer, i en ny arbetsyta `exercises`, där det är vår igen; ledtrådarnas `workspace` är den.
# Läs, gör och låt kontrollera. `hint()` hjälper, `explain()` berättar vad som skulle läras. Lösningarna finns i en egen
# anteckningsbok.
#
# ### Ett kort tas i bruk

# %%
from sotepki.training import task

exercises = new_workspace("exercises", at=datetime(2026, 3, 2, 7, 30, tzinfo=UTC))
into_use = task("take-into-use", exercises, language=LANGUAGE)
into_use

# %%
# Write here what you would do, then let it be checked.
into_use.check()

# %% [markdown] lang="en"
# ### The locked PIN

# %% [markdown] lang="fi"
# ### Lukkiutunut tunnusluku

# %% [markdown] lang="sv"
# ### Den låsta koden

# %%
locked_pin = task("unlock-the-pin", exercises, language=LANGUAGE)
locked_pin

# %%
# Write here what you would do, then let it be checked.
locked_pin.check()

# %% [markdown] lang="en"
# ### The right key

# %% [markdown] lang="fi"
# ### Oikea avain

# %% [markdown] lang="sv"
# ### Rätt nyckel

# %%
sentence = task("sign-a-sentence", exercises, language=LANGUAGE)
sentence

# %%
# Write here what you would do, then let it be checked.
sentence.check()

# %% [markdown] lang="en"
# ### Two people with one name

# %% [markdown] lang="fi"
# ### Kaksi samannimistä

# %% [markdown] lang="sv"
# ### Två med samma namn

# %%
namesake = task("who-am-i", exercises, language=LANGUAGE)
namesake

# %%
# Write here what you would do, then let it be checked.
namesake.check()

# %% [markdown] lang="en"
# ### The first day of renewal

# %% [markdown] lang="fi"
# ### Ensimmäinen uusimispäivä

# %% [markdown] lang="sv"
# ### Den första förnyelsedagen

# %%
renewal = task("when-to-renew", exercises, language=LANGUAGE)
renewal

# %%
# Write here what you would do, then let it be checked.
renewal.check()

# %% [markdown] lang="en"
# ### The stolen card

# %% [markdown] lang="fi"
# ### Varastettu kortti

# %% [markdown] lang="sv"
# ### Det stulna kortet

# %%
theft = task("report-the-theft", exercises, language=LANGUAGE)
theft

# %%
# Write here what you would do, then let it be checked.
theft.check()

# %% [markdown] lang="en"
# That was Onni's card. The registrar who sat on the other side of the desk has her own notebook, 03; what happened inside
# the chip, byte by byte, stands in 11.

# %% [markdown] lang="fi"
# Se oli Onnin kortti. Rekisteröijällä, joka istui tiskin toisella puolella, on oma muistikirjansa, 03. Mitä sirun sisällä
# tapahtui tavu tavulta, on kerrottu muistikirjassa 11.

# %% [markdown] lang="sv"
# Det var Onnis kort. Registreraren som satt på andra sidan disken har sin egen anteckningsbok, 03. Vad som hände inne i
# chippet, byte för byte, står i anteckningsbok 11.

# %%
close("professional")
close("exercises")
print("sotepki notebook: reached the end")
