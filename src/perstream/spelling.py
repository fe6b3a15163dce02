"""When two readings are the same line of text: only reading noise apart, never a different number.

What a camera reads of one sign differs from frame to frame in case, spacing, a letter or two and,
at the picture's edge, in how much of it is there. Digits carry the meaning of clocks, platforms
and doses, so two readings with different digits are two readings.
"""

from __future__ import annotations

import re

_DIGIT_LIKE = str.maketrans("oilszb", "011528")
"""Letters that readers take for digits; only applied to words that hold a digit."""
_WIDE = re.compile("[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff]")


def key_of(text: str) -> str:
    """The letters and digits alone, case folded: what spacing and punctuation noise leaves alike."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def letters_in(text: str) -> int:
    """Count of letters and digits; an ideograph or a Hangul syllable counts as two."""
    return sum(2 if _WIDE.match(letter) else 1 for letter in text if letter.isalnum())


def digits_of(text: str) -> str:
    """The digits in order, with the letters that are taken for digits read as such inside numbers."""
    kept = []
    for word in re.findall(r"\w+", text.casefold()):
        if any(letter.isdigit() for letter in word):
            shown = word.translate(_DIGIT_LIKE) if sum(map(str.isdigit, word)) * 2 >= len(word) else word
            kept.append("".join(letter for letter in shown if letter.isdigit()))
    return "".join(kept)


def distance(left: str, right: str, limit: int) -> int:
    """Levenshtein distance, or ``limit + 1`` as soon as it must be more than ``limit``."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row = row, [i]
        for j, b in enumerate(right, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
        if min(row) > limit:
            return limit + 1
    return row[-1] if row[-1] <= limit else limit + 1


def same_line(left: str, right: str) -> bool:
    """Whether two readings differ by noise alone: one letter in five, at most three, and no digit."""
    a, b = key_of(left), key_of(right)
    if a == b:
        return bool(a)
    limit = min(3, min(len(a), len(b)) // 5)
    return limit > 0 and digits_of(left) == digits_of(right) and distance(a, b, limit) <= limit


def cut_from(part: str, whole: str) -> str | None:
    """Which end of ``whole`` is missing from ``part``: ``"right"``, ``"left"``, or None when it is no such piece.

    At least four letters and a third of the line must be left; the letters may differ by one in eight.
    """
    a, b = key_of(part), key_of(whole)
    if len(a) < 4 or len(a) >= len(b) or 3 * len(a) < len(b):
        return None
    limit = len(a) // 8
    for end, piece in (("right", b[: len(a)]), ("left", b[-len(a) :])):
        same_digits = [x for x in a if x.isdigit()] == [x for x in piece if x.isdigit()]
        if same_digits and distance(a, piece, limit) <= limit:
            return end
    return None
