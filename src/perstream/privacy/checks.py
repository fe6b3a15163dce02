"""Check digits of cards, accounts and identity numbers. Pure functions of compact upper-case strings."""

from __future__ import annotations

_TAX_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD_VALUES = """
0:1 1:0 2:5 3:7 4:9 5:13 6:15 7:17 8:19 9:21 A:1 B:0 C:5 D:7 E:9 F:13 G:15 H:17 I:19 J:21 K:2 L:4 M:18 N:20 O:11 P:3 Q:6 R:8
S:12 T:14 U:16 V:10 W:22 X:25 Y:24 Z:23
"""
_ODD = {part[0]: int(part[2:]) for part in _ODD_VALUES.split()}


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: cards, the Canadian SIN."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(code: str) -> bool:
    """ISO 13616 by ISO 7064 mod 97-10."""
    turned = code[4:] + code[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def tax_id_de(digits: str) -> bool:
    """German Steuer-ID, 11 digits: ISO 7064 mod 11,10; of the first ten, one digit comes two or three times."""
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    if digits[0] == "0" or counts[-1] not in (2, 3) or counts.count(1) != len(counts) - 1:
        return False
    product = 10
    for digit in digits[:10]:
        product = 2 * ((int(digit) + product) % 10 or 10) % 11
    return (11 - product) % 10 == int(digits[10])


def weighted731(code: str) -> bool:
    """ICAO 9303: weights 7, 3, 1 over letters and digits, the last is the check digit."""
    total = sum((7, 3, 1)[i % 3] * (0 if c == "<" else int(c, 36)) for i, c in enumerate(code[:-1]))
    return code[-1].isdecimal() and total % 10 == int(code[-1])


def nir_fr(code: str) -> bool:
    """French NIR, 13 places and two of key: 97 minus the number mod 97; Corsica is 2A and 2B."""
    number = code[:13].replace("2A", "19").replace("2B", "18")
    return number.isdecimal() and 97 - int(number) % 97 == int(code[13:])


def dni_es(code: str) -> bool:
    """Spanish DNI and NIE: the letter is the number mod 23; X, Y, Z stand for 0, 1, 2."""
    digits = code[:-1].translate(str.maketrans("XYZ", "012"))
    return _TAX_LETTERS[int(digits) % 23] == code[-1]


def codice_fiscale(code: str) -> bool:
    """Italian codice fiscale: 15 places by an odd and an even table, the 16th is the sum mod 26."""
    total = sum(_ODD[c] if i % 2 == 0 else (int(c) if c.isdecimal() else ord(c) - 65) for i, c in enumerate(code[:15]))
    return chr(65 + total % 26) == code[15]


def bsn_nl(digits: str) -> bool:
    """Dutch BSN, 9 digits: weights 9 to 2 and -1, divisible by 11."""
    total = sum(int(d) * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
    return total % 11 == 0 and int(digits) > 0


def ean13(digits: str) -> bool:
    """GS1: weights 1 and 3; the Swiss AHV number has it, too."""
    return sum(int(d) * (1, 3)[i % 2] for i, d in enumerate(digits)) % 10 == 0
