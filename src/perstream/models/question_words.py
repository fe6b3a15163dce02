"""Closed word lists with which questions are understood."""

from __future__ import annotations

TYPE_WORDS = frozenset(
    """number colour color colours colors price cost costs expensive date time day money heavy weigh weight often frequently
    long old age strong url total how much pay paid""".split()
)
"""Name the type that is wanted; the memory need not contain the word itself."""
TYPE_NAMES = frozenset(
    """dose dosage strength milligram milligrams mg gram grams kilogram kilograms litre litres liter liters phone telephone
    mobile email e-mail website link url site""".split()
)
"""Name the type of span that is wanted and need not stand in the memory, when something else is asked about."""
FRAME_WORDS = frozenset(
    """see seen saw read say says said written write wrote printed show shows showed shown notice noticed look looked hear
    heard tell told mention mentioned ask asked name names named called kind type sort thing things something anything
    someone somebody anyone anybody time times today number many much remember recall know known last first latest
    currently ever usually often exactly again morning afternoon evening tonight yesterday happen happened talk talked
    spot spotted scan scanned view text word words content contents contain contains containing mean means recently
    information detail details message ago week month year day days supposed need now suggest suggested
    frequently sometimes earlier before memory memories video camera person people mean meaning state states stated
    happening going go goes went owner speak spoke must wrote according place
    called addressed seeing happens until till""".split()
)
OBJECTS = frozenset(
    """book box jar bottle packet bag pack package parcel door title author writer brand maker manufacturer company envelope
    badge family shop store object product tin can shelf wall bill address street web page network
    film movie novel album song""".split()
)
"""What a text stands on or names without saying so: left aside where the question has another word to hold on to."""
ADJUNCT = frozenset("in at on from near by inside outside during around".split())
NOT_NAMES = frozenset(
    """i i'm i've i'd i'll monday tuesday wednesday thursday friday saturday sunday january february march april may june july
    august september october november december qr wifi wi-fi pin usb tv dvd cd pc id url ok dr mr mrs ms prof am pm who
    what when where why how which whose english german french italian spanish""".split()
)  # fmt: skip
LIGHT_VERBS = frozenset("take taken takes use used give given make made keep put".split())
PRONOUNS = frozenset("i you he she we they it to not".split())
