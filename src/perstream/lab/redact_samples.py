"""Made-up sentences with secrets and without, for measuring what is left out. Seeded; no number is anybody's on purpose."""

from __future__ import annotations

import base64
import random
import string
from collections.abc import Callable, Iterator

from perstream.privacy import checks

_UPPER = string.ascii_uppercase
_ALNUM = string.ascii_letters + string.digits
_WORDS = (
    "sunny otter green tulip copper moon paper crane quiet river velvet plum amber wolf lemon train yellow boat winter garden "
    "silver coffee happy window orange cloud little mountain"
).split()
_SEED = (
    "army van defense carry jealous true garbage claim echo media make crunch turtle pigeon basket velvet orbit lunar cactus rib "
    "festival glove shove upon"
).split()


class Maker:
    """Draws one thing after another."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)

    def digits(self, count: int, first: str = "") -> str:
        """So many digits, beginning with ``first``."""
        return first + "".join(self._draw.choice(string.digits) for _ in range(count - len(first)))

    def letters(self, count: int, of: str = _ALNUM) -> str:
        """So many characters; at least one letter and one digit where both are possible."""
        return "".join(self._draw.choice(of) for _ in range(count - 2)) + self._draw.choice(of[:10]) + of[-1]

    def one(self, *choices: str) -> str:
        """One of them."""
        return self._draw.choice(choices)

    def checked(self, make: Callable[[], str], right: Callable[[str], bool]) -> str:
        """Drawn until its check digits are right."""
        while not right(made := make()):
            pass
        return made

    # --- secrets: (kind, sentence, what must be gone) -----------------------------------------

    def card(self) -> tuple[str, str]:
        """A card or account number in a sentence."""
        which = self._draw.randrange(8)
        if which == 0:
            code = self.checked(lambda: self.digits(15, self.one("34", "37")), checks.luhn)
            shown = self.one(f"{code[:4]} {code[4:10]} {code[10:]}", code)
        elif which == 1:
            bank = self.one(
                "DE89370400440532",
                "DE50100500000",
                "NL91ABNA0417",
                "GB29NWBK601613",
                "FR14200410100505",
                "AT61190430023",
            )
            length = {"D": 22, "N": 18, "G": 22, "F": 27, "A": 20}[bank[0]]
            code = self.checked(
                lambda: bank[:2] + self.digits(2) + bank[4:] + self.digits(length - len(bank)), checks.iban
            )
            shown = self.one(code, " ".join(code[i : i + 4] for i in range(0, length, 4)))
        elif which == 2:
            return self.digits(3), ""
        else:
            first = self.one("4", "4", "51", "53", "55", "2223", "6011", "3530")
            code = self.checked(lambda: self.digits(16, first), checks.luhn)
            joint = self.one(" ", " ", "-", "", "  ")
            shown = joint.join(code[i : i + 4] for i in range(0, 16, 4))
        return shown, code

    def cards(self) -> tuple[str, str]:
        """(sentence, what must be gone)."""
        shown, code = self.card()
        if not code:
            return self.one("CVV {}", "cvc: {}", "The CVC of my card is {}", "Kartenprüfnummer {}", "CVC2 {}").format(
                shown
            ), shown
        form = self.one(
            "My card is {}.", "{}", "Visa {} exp 04/28", "please charge {} today", "VALID THRU 09/27\n{}\nMR A HOLDER", "IBAN/Card: {}",
            "Kartennummer {}", "I dictated {} to the clerk", "Zahlung an {} bis Freitag", "ma carte {} svp",
        )  # fmt: skip
        return form.format(shown), shown

    def passwords(self) -> tuple[str, str]:
        """A password, PIN, one-time code or what a machine writes of them."""
        words = self._draw.sample(_WORDS, 2)
        secret = self.one(
            f"{words[0]}-{words[1]}-{self.digits(2)}", f"{words[0].title()}{self.digits(4)}", self.letters(10), f"{words[0]}{self.digits(2)}!",
            words[0], f"{self.letters(5)}#{self.letters(4)}",
        )  # fmt: skip
        pin = self.digits((self.one("4", "4", "6") == "4" and 4) or 6, self.one("1", "7", "9"))
        form, value = self._draw.choice(
            [
                ("Password: {}", secret), ("password={}", secret), ("The wifi password is {}.", secret), ("My password for the bank is {}", secret),
                ("Guest WiFi\nPassword: {}", secret), ("WLAN-Passwort: {}", secret), ("Das Passwort lautet {}", secret), ("Kennwort = {}", secret),
                ("Le mot de passe est {}", secret), ("mot de passe : {}", secret), ("La contraseña es {}", secret), ("contraseña: {}", secret),
                ("The password of the router is {} now", secret), ('He said the passphrase is "{}"', secret), ("user: anna pwd: {}", secret),
                ("Network: Harbour9\nPassword: {}", secret), ("PIN {}", pin), ("PIN: {}", pin), ("my PIN is {}", pin), ("The pin of my card is {}", pin),
                ("Geheimzahl: {}", pin), ("Die PIN lautet {}", pin), ("passcode {}", pin), ("Your verification code is {}", self.digits(6, "4")),
                ("{} is your login code", self.digits(6, "8")), ("Ihr Bestätigungscode: {}", self.digits(6, "3")), ("PUK {}", self.digits(8, "2")),
                ("WIFI:S:Cafe;T:WPA;P:{};;", secret), ("WIFI:T:WPA2;P:{};S:My Net;H:false;;", secret), ("rtsp://cam:{}@10.0.0.7/live", secret.replace("#", "x")),
                ("otpauth://totp/Shop:me?secret={}&issuer=Shop", self.letters(16, _UPPER)), ("https://h.test/in?u=a&password={}", secret.replace("#", "x")),
                ("What is the wifi password? - It's {}", secret), ("I set the password to {}", secret), ("use {} as the password", secret),
            ]
        )  # fmt: skip
        return form.format(value), value

    def keys(self) -> tuple[str, str]:
        """An access key, a token, a private key, a wallet's seed."""
        token = self.letters(24)
        body = base64.b64encode(self.letters(150).encode()).decode()
        seed = " ".join(self._draw.sample(_SEED, 12))
        jwt = f"eyJ{self.letters(20)}.eyJ{self.letters(40)}.{self.letters(43)}"
        hexed = "".join(self._draw.choice("0123456789abcdef") for _ in range(32))
        form, value = self._draw.choice(
            [
                ("{}", "AKIA" + self.letters(16, string.digits + _UPPER)), ("aws_secret_access_key = {}", self.letters(40)), ("{}", f"ghp_{self.letters(36)}"),
                ("token {} pushed by mistake", f"github_pat_{self.letters(22)}_{self.letters(59)}"), ("{}", f"xoxb-{self.digits(11, '2')}-{self.letters(24)}"),
                ("key={}", f"AIza{self.letters(35)}"), ("OPENAI_API_KEY={}", f"sk-{self.letters(48)}"), ("export KEY={}", f"sk-proj-{self.letters(64)}"),
                ("{}", f"sk_live_{self.letters(24)}"), ("Cookie: session={}", jwt), ("Authorization: Bearer {}", token), ("api_key: {}", hexed),
                ("API key {}", f"sk-ant-api03-{self.letters(60)}"), ("The API key is {}", token), ("client_secret={}", token), ("access token: {}", token),
                ("https://h.test/a?access_token={}", token), ("{}", f"hf_{self.letters(34)}"), ("{}", f"glpat-{self.letters(20)}"),
                ("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", body), ("-----BEGIN OPENSSH PRIVATE KEY-----\n{}", body),
                ("seed phrase: {}", seed), ("My recovery phrase is {}", seed), ("wallet words\n{}", seed),
                ("Windows: {}", "-".join(self.letters(5, string.digits + _UPPER) for _ in range(5))), ("API secret\n{}", token), ("Schlüssel: {}", token),
            ]
        )  # fmt: skip
        return form.format(value), value

    def identities(self) -> tuple[str, str]:
        """A number of a person or of a paper."""
        ssn = f"{self.digits(3, self.one('2', '3', '5'))}-{self.digits(2, '4')}-{self.digits(4, '7')}"
        nino = f"{self.one('AB', 'CE', 'JR')}{self.digits(6)}{self.one('A', 'B', 'C', 'D')}"
        tax = self.checked(lambda: self.digits(11, self.one("2", "5", "8")), checks.tax_id_de)
        nir = self.checked(
            lambda: f"{self.one('1', '2')}{self.digits(2)}0{self.one('1', '5', '9')}{self.digits(8)}{self.digits(2)}",
            checks.nir_fr,
        )
        dni = self.checked(lambda: self.digits(8) + self.one(*"TRWAGMYFPDXBNJZSQVHLCKE"), checks.dni_es)
        nie = self.checked(
            lambda: self.one(*"XYZ") + self.digits(7) + self.one(*"TRWAGMYFPDXBNJZSQVHLCKE"), checks.dni_es
        )
        fiscal = self.checked(
            lambda: (
                f"RSS{self.one('MRA', 'LCU')}{self.digits(2)}{self.one(*'ABCDEHLMPRST')}{self.digits(2, '1')}H{self.digits(3)}{self.one(*_UPPER)}"
            ),
            checks.codice_fiscale,
        )
        bsn = self.checked(lambda: self.digits(9), checks.bsn_nl)
        passport = self.one(
            self.digits(9),
            f"C{self.digits(2)}X{self.digits(2)}T{self.digits(2)}",
            f"{self.one('L', 'K')}{self.digits(8)}",
        )
        mrz = f"P<UTO{self.one('ERIKSSON', 'MUSTERMANN')}<<{self.one('ANNA<MARIA', 'ERIKA')}".ljust(44, "<")
        second = (
            f"{self.letters(9, string.digits + _UPPER)}{self.digits(1)}UTO{self.digits(7, '7')}F{self.digits(7, '2')}".ljust(
                43, "<"
            )
            + self.digits(1)
        )
        form, value = self._draw.choice(
            [
                ("SSN {}", ssn), ("my social is {}", ssn), ("{}", ssn), ("Social security number: {}", ssn.replace("-", "")), ("NI number {}", nino),
                ("National Insurance No {}", f"{nino[:2]} {nino[2:4]} {nino[4:6]} {nino[6:8]} {nino[8]}"), ("Steuer-ID {}", tax), ("Steuer-IdNr. {}", tax),
                ("Steueridentifikationsnummer: {}", f"{tax[:2]} {tax[2:5]} {tax[5:8]} {tax[8:]}"), ("sécurité sociale {}", nir), ("NIR {}", nir), ("DNI {}", dni),
                ("{}", dni), ("NIE: {}", nie), ("codice fiscale {}", fiscal), ("{}", fiscal), ("BSN {}", bsn), ("burgerservicenummer: {}", bsn),
                ("Passport No. {}", passport), ("my passport number is {}", passport), ("Reisepass {}", passport), ("PASSPORT\n{}", passport), ("{}", mrz),
                ("{}", second), ("driver's license {}", f"D{self.digits(7)}"), ("driving licence number {}", f"MORGA{self.digits(1)}0{self.digits(1)}1{self.digits(2)}SM9IJ"),
                ("Führerschein {}", f"B{self.digits(3)}RRE2I{self.digits(2)}"), ("Personalausweis {}", f"L{self.digits(2)}X{self.digits(2)}T{self.digits(3)}"),
            ]
        )  # fmt: skip
        return form.format(value), value

    # --- what must stay -----------------------------------------------------------------------

    def harmless(self) -> str:
        """A sentence with a number or a word that is no secret."""
        d = self.digits
        clock = f"{self._draw.randrange(24):02d}:{self._draw.randrange(60):02d}"
        day = f"{self._draw.randrange(1, 29):02d}"
        month = f"{self._draw.randrange(1, 13):02d}"
        ean = self.checked(lambda: d(13, self.one("40", "978", "50", "76")), checks.ean13)
        return self._draw.choice(
            [
                f"Call +49 {d(3, '1')} {d(7)}", f"Tel. 0{d(3, '8')} {d(6)}", f"({d(3, '5')}) {d(3)}-{d(4)}", f"+1 {d(3, '4')} {d(3)} {d(4)}", f"+44 20 {d(4)} {d(4)}",
                f"0{d(1, '6')} {d(2)} {d(2)} {d(2)} {d(2)}", f"{day}.{month}.2026 {clock}", f"2026-{month}-{day}T{clock}:00Z", f"{month}/{day}/2026", f"2026{month}{day}",
                f"ICE {d(3, '5')} from platform {d(1)} at {clock}", f"Flight LH {d(4, '1')} gate B{d(2)} seat {d(2)}A", f"Bus {d(3, '1')} every {d(1)} min",
                f"EUR {d(2)}.{d(2)}", f"{d(1, '2')},{d(3)}.{d(2)} €", f"${d(3, '4')}.{d(2)} for {d(1)}", f"Order {d(3, '3')}-{d(7)}-{d(7)}", f"Order number {d(8, '4')}",
                f"Bestellnummer {d(10, '5')}", f"Invoice 2026-{d(5)}", f"Tracking 1Z{self.letters(16, string.digits + _UPPER)}", f"Parcel RR{d(9)}DE", f"ISBN 978-3-{d(2)}-{d(6)}-{d(1)}",
                f"EAN {ean}", ean, f"B-MW {d(4)}", f"KA {d(2)} AB {d(4)}", f"7{self.letters(3, string.digits + _UPPER)}{d(3)}", f"Locker {d(4)}", f"my locker is {d(4)}", f"Room {d(3)}",
                f"the door code is {d(4)}", f"garage code: {d(4)}#", f"bike lock {d(4)}", f"Platform {d(2)}", f"Gate {self.one('A', 'B')}{d(2)}", f"Floor {d(1)}, row {d(2)}",
                f"192.168.{d(2)}.{d(2)}", f"v{d(1)}.{d(2)}.{d(1)}", f"lat 52.{d(6)}, lon 13.{d(6)}", f"{d(3, '5')} mg, {d(1)} times a day", f"{d(4)} kcal", f"Lot {d(6)} exp {month}/27",
                f"IMEI 35{d(13)}", f"Meter {d(7)} kWh", f"LOT L{d(8)}", f"Ticket {d(9, '1')}", f"PNR {self.letters(6, _UPPER)}", f"Table {d(2)}", f"Art.-Nr. {d(8)}", f"USt-IdNr. DE{d(9)}",
                "The password is wrong", "Forgot password?", "Change your password regularly", "password reset for all users", "The password has expired", "Passwort vergessen?",
                "Where did I write down the wifi password?", "No password needed", "Password required", "enter PIN", "PIN pad", "a safety pin", "He pinned 12 notes", "the key to room 12",
                "secret santa at 5", "token of love", "api documentation v2", "My passport is in the drawer", "passport photos", "ID card and 2 photos", "social security office",
                "bring your driver's license", "seed the lawn with 12 kg", "Visa and Mastercard accepted", "credit card payments from 10 EUR", "account manager", "basic income",
                f"House number {d(2)}, {d(5)} Hamburg", f"PLZ {d(5)}", f"{d(5)} Springfield", f"Chapter {d(2)}, page {d(3)}", f"Score {d(1)}:{d(1)}", f"{d(4)} steps", f"Channel {d(2)}",
                f"https://shop.test/item/{d(8)}?ref=mail", f"commit {''.join(self._draw.choice('0123456789abcdef') for _ in range(40))}", f"Serial {self.letters(12, string.digits + _UPPER)}",
                f"{d(3)} {d(3)} {d(3)} visitors", f"{d(4, '1')} {d(4, '2')} {d(4, '3')}", "19 20 21 22 23 24 25 26 27 28", f"Loto {d(2)} {d(2)} {d(2)} {d(2)} {d(2)} {d(2)}",
            ]
        )  # fmt: skip


def positives(seed: int, count: int) -> Iterator[tuple[str, str, str]]:
    """(kind, sentence, secret), ``count`` of each kind."""
    maker = Maker(seed)
    for kind, make in (
        ("card", maker.cards),
        ("password", maker.passwords),
        ("key", maker.keys),
        ("identity", maker.identities),
    ):
        for _ in range(count):
            sentence, secret = make()
            yield kind, sentence, secret


def negatives(seed: int, count: int) -> Iterator[str]:
    """Harmless sentences."""
    maker = Maker(seed)
    for _ in range(count):
        yield maker.harmless()
