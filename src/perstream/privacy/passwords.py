"""Passwords, PINs and codes for one use in a text, in five languages, and where machines write them.

A word such as "password" makes a secret of what follows it only when it is put as a value: after a colon or an equals
sign, after "is", or when it looks like one (letters with digits). "The password is wrong" and "password reset" say none.
Everyday codes of doors, gates and lockers stay: they are what a memory is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perstream.privacy.spans import Found

_LABEL = re.compile(
    r"(?i)(?<![\w/])(?:[a-z0-9]{1,20}_){0,4}(?:pg)?(?:(?P<sure>pass ?words?|passwort|passwd|pass ?phrase|passcode|kennwort|losung|mot de passe|mdp|contrase(?:ñ|n)a"
    r"|wachtwoord|senha|parola d'ordine|pwd|wpa[23]?[ -]?key|(?:wi-?fi|wlan|network|netzwerk|security)[ -]?(?:key|code|schl(?:ü|ue)ssel|pass|pw)"
    r"|netzwerkschl(?:ü|ue)ssel|sicherheitsschl(?:ü|ue)ssel|cl[eé] (?:wi-?fi|wpa|de s[eé]curit[eé])|clave (?:de )?(?:la )?(?:wi-?fi|red|acceso))"
    r"|(?P<shy>pass|pw|clave|parola|psk))(?![\w/])"
)
_STRONG = re.compile(
    r"[\"']?[ \t]{0,3}(?:\([^()\n]{0,30}\)[ \t]?)?(?:[:=]|->|→|⇒)[ \t]{0,3}(?:\n[ ]?)?|(?i:\?[ ]?\n?[ ]?(?:[-–—][ ]?)?(?:it'?s|it is|es ist|c'est|es)[ ]{1,2})"
)
_IS = re.compile(
    r"(?i)[ ]{1,2}(?:(?:for|of|to|at|in|f(?:ü|ue)r|von|de|del|pour|du|da)[ ](?:[\w.'’@\-]{1,30}[ ]){1,5}?)?"
    r"(?:is now|is still|is|was|ist|war|lautet|est|es|è|are)(?:[ ]?:)?[ ]{1,2}"
)
_SET = re.compile(r"(?i)[ ](?:to|as|auf|en)[ ]{1,2}")
_SETTING = re.compile(
    r"(?i)\b(?:set|sets|changed?|put|made|updated?|choose|chose|ge(?:ä|ae)ndert|gesetzt|changé|cambié)\b[^.\n]{0,24}$"
)
_AS = re.compile(
    r"(?i)\b(?:use|used|using|enter|type|typed|take|took|chose|choose|try)[ ](?P<value>[^\s\"“”]{3,80})[ ](?:as|for)[ ](?:(?:the|a|my|your|our|new)[ ]){0,2}"
    r"(?:[\w\-]{1,20}[ ])?(?:password|passcode|passphrase|passwort|pin)\b"
)
_LOGIN = re.compile(
    r"(?i)\b(?:user(?:name)?|login|usuario|benutzer(?:name)?|utilisateur|wi-?fi|wlan|network|netzwerk|ssid|red|account|konto|e-?mail)\b"
)
_WEAK = re.compile(r"[ \t]{1,3}|[ ]?\n[ ]?")
_QUOTED = re.compile(r"[\"“”„«»‘'`](?P<value>[^\"“”„«»’'`\n]{1,80})[\"“”„«»’'`]")
_PHRASE = re.compile(r"[a-z]{3,12}(?: [a-z]{3,12}){3,7}(?=[.!]?(?:\n|$))")
"""Words as programs and lists of dice make them, alone to the end of the line: "correct horse battery staple"."""
_TOKEN = re.compile(r"[^\s\"“”„«»]{1,80}")
_NO_VALUE = frozenset(
    """a an the my your his her our their its this that these those it he she they we you i not no none never too so very also still
    now again always only just in on at to for of by from with under behind inside near below above wrong incorrect invalid correct
    right required needed expired weak strong safe unsafe secure insecure same different changed reset set saved stored hidden secret
    shown written printed protected lost forgotten forgot unknown known empty blank missing valid ok okay fine good bad hard easy
    long short longer shorter simple complex case sensitive there here see ask check enter change choose create confirm repeat update
    when where what which who how and or but if then because as than about after before until while will would can could should must
    may might has have had does do did been being be was is are stolen leaked compromised shared public private available optional
    default expire match protect unlock open log access get continue confirm one ones accepted denied rejected managed manager managers field box hint policy page screen form login entry request recovery
    security number letter word words characters something somebody someone anything everything nothing up out off over
    der die das ein eine mein dein sein ihr unser falsch richtig nicht kein zu auf in im am an bei unter abgelaufen geändert vergessen
    sicher unsicher erforderlich gleich neu le la les un une mon ton son notre votre pas faux correct sur dans sous oublié incorrecte
    el los las mi tu su no en incorrecta correcta es olvidada correto""".split()
)
_AND = frozenset(
    "and or but for at on in to the und oder für auf im an et pour y para user username login network ssid netzwerk".split()
)
_DIGIT_WORD = (
    r"(?i:zero|oh|one|two|three|four|five|six|seven|eight|nine|null|eins|zwei|zwo|drei|vier|f(?:ü|ue)nf|sechs|sieben|acht|neun"
    r"|z[eé]ro|un|deux|trois|quatre|cinq|sept|huit|neuf|cero|uno|dos|tres|cuatro|cinco|seis|siete|ocho|nueve)"
)
_PIN = re.compile(
    r"(?:\b(?:PIN|PUK|(?:TAN|OTP)(?=[ ]?[:=]|[ ](?:is|ist|lautet)\b|[ ]\d{6}\b)|Geheimzahl|GEHEIMZAHL|mPIN)(?:[ -]?(?:[Cc]ode|CODE|[Nn]ummer|[Nn]umber|[Nn]o|[Nn]r))?\b"
    r"|(?i:\b(?:pin|puk)[ -]?(?:code|number|nummer)\b|\bcode (?:pin|secret)\b|\b(?:my|the|your|card|sim|bank|phone|meine?|mein|mon|mi)[ ](?:\w{1,12}[ ])?pin\b"
    r"|\bpin(?=[ ]?[:=#]|[ ](?:is|ist|est|es)\b)|\bn[uú]mero secreto\b|\bpass ?code\b|\b(?:verification|confirmation|one[- ]time|2fa|login|log-in|sign-in"
    r"|authentication|authenticator|unlock|best(?:ä|ae)tigungs|verifizierungs|entsperr|freischalt|anmelde)[ -]?code\b"
    r"|\bcode de (?:v[eé]rification|confirmation|s[eé]curit[eé])\b|\bc[oó]digo de (?:verificaci[oó]n|confirmaci[oó]n|desbloqueo)\b))"
    r"(?:[ ](?i:for|of|to|von|f(?:ü|ue)r|de|del|pour|du)(?:[ ][\w.'’\-]{1,20}){1,3}?)?"
    r"[ \t]{0,2}(?:[:=#.]|->|(?i:[ ](?:is now|is|was|being|ist|lautet|est|es)[ ]?:?))?[ \t]{0,2}(?:\n[ ]?)?"
    r"(?P<value>G-\d{6}|\d{4,8}|\d{3}[ \-]\d{3}|\d{2}[ ]\d{2}(?:[ ]\d{2})?|\d(?:[ ]\d){3,5}|\*?[A-Z0-9]{6,8}(?<=\d)\b"
    rf"|(?:{_DIGIT_WORD}(?:[ \-]|,[ ])){{3,7}}{_DIGIT_WORD})(?![\w/]|[.:,\-]\d)"
)
_ONE_TIME = re.compile(
    r"(?i)(?<![\w.,:/\-])(?P<value>(?:G-)?\d{6,8}|\d{4,5}|\d{3}[ \-]\d{3})[ ](?:is|ist|est|es)[ ](?:your|ihr|dein|votre|ton|su|tu)[ ]"
    r"(?:[\w.&'’\-]{1,20}[ ]){0,4}?(?:[\w\-]{0,20}(?:code|pin|otp|tan|passcode|c[oó]digo))\b"
)
_EVERYDAY = re.compile(
    r"(?i)locker|door|gate|pick|parcel|garage|room|discount|promo|voucher|coupon|gift|booking|reservation|zip|postal|area"
)
"""Codes that are what a memory is for."""
_USERINFO = re.compile(r"(?i)\b[a-z][a-z0-9+.\-]{1,15}://[^\s/@:?#]{0,64}:(?P<value>[^\s/@]{1,128})@")
_QUERY = re.compile(r"(?i)[?&;](?:pass(?:word|wd)?|pwd|pin)=(?P<value>[^\s&#;\"'<>\[\]]{3,200})")
_WIFI = re.compile(r"(?i)\bWIFI:")
_WIFI_CHARS = 400
_OTP = re.compile(r"(?i)\botpauth(?:-migration)?://\S{0,200}?[?&](?:secret|data)=(?P<value>[A-Za-z0-9+/=%_\-]{8,2000})")
_SETUP = re.compile(r"(?<![\w:])(?:MT:[A-Z0-9.\-]{19,40}|X-HM://[0-9A-Z]{9,20})(?!\w)")


def passwords(text: str) -> Iterator[Found]:
    """Passwords, PINs, one-time codes, what Wi-Fi and set-up codes hold, logins in addresses."""
    yield from _labelled(text)
    for pattern, label in (
        (_PIN, "PIN"),
        (_ONE_TIME, "code"),
        (_USERINFO, "password"),
        (_QUERY, "password"),
        (_OTP, "one-time secret"),
    ):
        for match in pattern.finditer(text):
            if label == "code" and _EVERYDAY.search(match.group()):
                continue
            yield Found(*match.span("value"), "password", label)
    for match in _SETUP.finditer(text):
        yield Found(*match.span(), "password", "set-up code")
    yield from _wifi(text)


def _labelled(text: str) -> Iterator[Found]:
    for label in _LABEL.finditer(text):
        after = label.end()
        strong = _STRONG.match(text, after)
        if strong is not None:
            span = _value(text, strong.end(), stated=True)
            if label["shy"] and span is not None and not _of_a_login(text, label.start(), text[slice(*span)]):
                span = None
        elif label["shy"]:
            span = None
        elif (told := _IS.match(text, after)) is not None:
            span = _value(text, told.end(), stated=False)
        elif (put := _SET.match(text, after)) and _SETTING.search(text, max(0, label.start() - 40), label.start()):
            span = _value(text, put.end(), stated=False)
        else:
            span = _looks_like_one(text, after)
        if span is not None:
            yield Found(*span, "password", "password")
    for match in _AS.finditer(text):
        if not _is_no_value(match["value"]):
            yield Found(*match.span("value"), "password", "password")


def _of_a_login(text: str, start: int, value: str) -> bool:
    """Whether "pass:" means a password: a login is near, or it begins its line and is no price. A ski pass is none."""
    if _LOGIN.search(text, max(0, start - 60), start):
        return True
    return text[:start].rpartition("\n")[2].strip() == "" and not value.isdecimal()


def _value(text: str, start: int, stated: bool) -> tuple[int, int] | None:
    """The value that begins at ``start``; None for words that are none. ``stated`` comes after a colon."""
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        return quoted.span("value") if any(map(str.isalnum, quoted["value"])) else None
    first = _TOKEN.match(text, start)
    if first is None:
        return None
    token, end = first.group(), _trimmed(first)
    if end - start < (3 if stated else 2) or token.startswith(("[", "<", "*", "•", "…", "_", "{", "$")):
        return None
    if stated and (phrase := _PHRASE.match(text, start)) is not None and not _of_a_sentence(phrase.group()):
        return phrase.span()
    if _is_no_value(token) or not any(map(str.isalnum, token)):
        return None
    if end < first.end() or not token.isalpha():
        return start, end
    return start, _rest(text, end)


def _of_a_sentence(phrase: str) -> bool:
    """Whether words behind the first go on with a sentence: "wrong, try it again"."""
    return any(word.lower() in _AND | _NO_VALUE for word in phrase.split()[1:])


def _rest(text: str, end: int) -> int:
    """The end of a pass phrase of plain words: up to four more, until the clause ends."""
    for _ in range(4):
        if text[end : end + 1] != " ":
            return end
        following = _TOKEN.match(text, end + 1)
        if (
            following is None
            or following.group().strip(".,;:!?").lower() in _AND | _NO_VALUE
            or not following.group()[0].isalnum()
        ):
            return end
        stop = _trimmed(following)
        if following.group().rstrip(".,;!?").endswith(":"):
            return end
        end = stop
        if stop < following.end():
            return end
    return end


def _is_no_value(token: str) -> bool:
    """A word that goes on with the sentence: it stands in lower case and means something else."""
    return token.rstrip(".,;:!?)'’").lower() in _NO_VALUE or token.rstrip(".,;:!?)").lower().endswith(
        ("-protected", "n't")
    )


def _trimmed(token: re.Match[str]) -> int:
    return token.start() + len(token.group().rstrip(".,;!?)]}'’"))


def _looks_like_one(text: str, after: int) -> tuple[int, int] | None:
    """A value without a colon: letters with digits."""
    gap = _WEAK.match(text, after)
    first = _TOKEN.match(text, gap.end()) if gap is not None else None
    if first is None:
        return None
    end = _trimmed(first)
    token = text[first.start() : end]
    mixed = any(map(str.isdecimal, token)) and any(map(str.isalpha, token))
    if len(token) >= 5 and mixed and token[0] not in "([{<":
        return first.start(), end
    return None


def _wifi(text: str) -> Iterator[Found]:
    """``WIFI:S:name;T:WPA;P:password;;``: the value of P, in which a backslash escapes."""
    starts = [match.end() for match in _WIFI.finditer(text)]
    for start, following in zip(starts, [*starts[1:], len(text)], strict=False):
        yield from _wifi_fields(text, start, min(following, start + _WIFI_CHARS))


def _wifi_fields(text: str, start: int, limit: int) -> Iterator[Found]:
    field = place = start
    while place < limit and text[place] != "\n":
        if text[place] == "\\":
            place += 2
        elif text[place] != ";":
            place += 1
        elif place == field:
            return
        else:
            yield from _wifi_password(text, field, place)
            field = place = place + 1
    yield from _wifi_password(text, field, min(place, limit))


def _wifi_password(text: str, start: int, end: int) -> Iterator[Found]:
    if text[start : start + 2].upper() == "P:" and end > start + 2 and text[start + 2] != "[":
        yield Found(start + 2, end, "password", "password")
