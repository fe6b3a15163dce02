"""Patterns of told sentences: contractions, openings, reminders, clause ends, times, kin."""

from __future__ import annotations

import re

CONTRACTIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), full)
    for pattern, full in (
        (r"\b(I)'m\b", r"\1 am"),
        (r"\b(I|you|we|they)'ve\b", r"\1 have"),
        (r"\b(\w+)'ll\b", r"\1 will"),
        (r"\b(I|you|he|she|we|they)'d\b", r"\1 would"),
        (r"\b(you|we|they)'re\b", r"\1 are"),
        (r"\b(he|she|it|that|there|here|what|where)'s\b", r"\1 is"),
        (r"\bwon't\b", "will not"),
        (r"\bcan't\b|\bcannot\b", "can not"),
        (r"\b(\w+)n't\b", r"\1 not"),
    )
)
OPENING = re.compile(
    r"^(?:(?:please|ok|okay|hey|well|so|oh|and|also|fyi|by the way|just so you know|note|btw)[,:]?\s+"
    r"|(?:please\s+)?(?:remember|note|do not forget|keep in mind|make a note|for the record|know)(?:\s+that|:)\s+)+",
    re.IGNORECASE,
)
REMIND = re.compile(
    r"^(?:please\s+)?(?:remind me|do not let me forget|do not forget|remember|i (?:need|have|want|must|should) (?:to )?remember)\s+"
    r"(to|about|of|that)\s+(.+)$",
    re.IGNORECASE,
)
CONDITION = re.compile(
    r"^(.+?)[,]?\s+(when(?:ever)?|if|once|as soon as|before|after|while|next time)\s+(?:i(?:'m| am)?\s+)?(.+)$",
    re.IGNORECASE,
)
SPLIT = re.compile(
    r";\s*|\s+[-–—]\s+|,\s+(?=please\b)|,\s+(?:and|but|so|yet|or)?\s*(?=(?:I|it|he|she|we|they|my|which|who|that|this|there)\b)"
    r"|\s+(?:and|but|so|because)\s+(?=(?:I|he|she|we|they|it)\b)|,?\s+(?=which\b)|,\s+(?=reminding|making|leading|bringing)"
)
LEADING_TIME = re.compile(
    r"^((?:just |only |about |over |nearly |almost )?(?:yesterday|today|tomorrow|tonight|last \w+(?: \w+)?|this \w+|next \w+|a (?:few )?\w+ ago|an \w+ ago"
    r"|(?:\d+|one|two|three|four|five|six|several|a few|a couple of|few) \w+ ago|(?:in|on|at|during|every|over) [\w ']{2,30}?)),?\s+(?=(?:I|my|we|our|the|while|when|after|before|during)\b)",
    re.IGNORECASE,
)
UNIT = (
    "(?:(?:second|minute|hour|day|night|morning|afternoon|evening|week|weekend|month|year|summer|winter|spring|autumn|fall|time)s?"
    "|(?:mon|tues|wednes|thurs|fri|satur|sun)days?)"
)
WHILE = re.compile(r"^(?:while|when|after|before|during) [^,]{3,80},\s+(?=(?:I|my|we|our|the)\b)", re.IGNORECASE)
TRAILING_TIME = re.compile(
    rf"[,]?\s+((?:just |only |about |almost )?(?:yesterday|today|tomorrow|tonight|lately|recently|nowadays|daily|weekly"
    rf"|(?:last|this|next|every|each) (?:few )?{UNIT}|(?:a|an|one|two|three|four|five|six|several|\d+|a few|a couple of) {UNIT} ago"
    r"|(?:once|twice|\w+ times) (?:a|per) \w+))$",
    re.IGNORECASE,
)
RELATIVE = re.compile(
    r"\s+(?:which|who|whom|where|that (?:I|we|he|she|it|they|is|was|has|had|reminds|reminded|made))\b.*$"
)
KIN = (
    "sister|brother|mother|father|mom|mum|dad|wife|husband|partner|son|daughter|best friend|friend|boss|neighbou?r|aunt"
    "|uncle|cousin|colleague|dog|cat|doctor|dentist|grandmother|grandfather|girlfriend|boyfriend"
)
NAMED_KIN = re.compile(rf"^(my (?:{KIN}))\s+([A-Z][\w'-]+)$")
POSSESSIVE = re.compile(r"^([A-Z][\w-]+)'s\s+(.+)$")
GIVEN = re.compile(r"^([A-Z][\w-]+|my (?:\w+)|him|her|them)\s+((?:my|a|an|the|his|her|some|\d+)\s.+)$")
GIVING = frozenset(
    "gave give lent lend sent send showed show told tell bought buy brought bring promised promise".split()
)
TO_DOING = frozenset(
    "remember remembered love loved like liked prefer preferred enjoy enjoyed hate tried try stopped started began finished miss avoid recall".split()
)
ASIDE = re.compile(
    r",\s+(?:\w+ing|like|such as|including|especially|possibly|particularly|where|just|even)\b.*$|\s+such as\s.*$"
)
NOW = frozenset({"am", "is", "are"})
DWELLING = ("live", "park", "stay", "leave")
SINGLE = frozenset("in at on under behind near inside beside between above below from".split())


REPORTING = frozenset(
    "realized realised know knew think thought noticed remember remembered found believe said heard mentioned learned".split()
)
