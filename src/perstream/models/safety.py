"""Questions that a quotation of the world seldom answers: why, how to, and who the owner is."""

from __future__ import annotations

import re

from perstream.models.units import Unit

_REASON = re.compile(
    r"(?i)\b(?:because|since|due to|owing to|so that|so (?:i|we|you|he|she|they|it|the|my|our)|reason|in order to|therefore|thanks to|to avoid)\b"
)
_REASON_ON_SIGN = re.compile(r"(?i)\b(?:because|due to|for|owing to|reason|maintenance|repairs?|renovation|strike)\b")
_STEPS = re.compile(
    r"(?i)\b(?:by|with|using|use|first|then|step|press|push|pull|turn|open|close|insert|hold|shake|mix|add|click|take|go|walk"
    r"|follow|apply|call|write|scan|enter|put|via|change at)\b"
)
_ABOUT_OWNER: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(asked), re.compile(f"(?i){stated}"))
    for asked, stated in (
        (
            r"\b(?:my (?:full |first |last |own )?(?:name|surname)$|who am i$|what am i called)",
            r"\bmy (?:\w+ )?(?:name|surname) is\b|\bcall me\b|^i['’]?(?: a)?m [A-Z]\w+$",
        ),
        (
            r"^how old am i$|^what is my age$",
            r"\b(?:i am|i['’]m) \d|\bmy age\b|\bi was born\b|\bmy birthday\b",
        ),
        (r"^how (?:much do i weigh|heavy am i)$", r"\bi weigh\b|\bmy weight\b"),
        (r"^how (?:tall|big) am i$", r"\bi(?: am|['’]m) [\d. ,]+(?:cm|m|ft|feet)\b|\b(?:my height|tall)\b"),
        (r"^(?:who|what) are you$|^what am i$|^how (?:am i|are you)$", r"$^"),
    )
)


def about_owner(question: str) -> re.Pattern[str] | None:
    """What a told sentence must hold to tell who the owner is; None for other questions."""
    low = question.lower()
    return next((stated for asked, stated in _ABOUT_OWNER if asked.search(low)), None)


def explains(unit: Unit, question: str) -> bool:
    """Whether a piece of memory may answer a why or a how-to: it gives a reason, or a step; True for other questions."""
    low = question.lower()
    if re.match(r"(?:why|what for|for what reason|how come)\b", low):
        return bool((_REASON_ON_SIGN if unit.way == "read" else _REASON).search(unit.text))
    if re.match(r"how (?:do|does|can|could|should|must|would) (?:i|we|you|one)\b|how to\b", low):
        return bool(_STEPS.search(unit.text))
    return True
