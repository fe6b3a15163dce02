"""Closed word lists of English grammar that the told-sentence grammar needs."""

from __future__ import annotations

BE = frozenset("am is are was were be been being".split())
MODALS = frozenset("will would shall should can could may might must".split())
HAVE = frozenset("have has had".split())
DO = frozenset("do does did".split())
NEGATIONS = frozenset("not never cannot".split())
PREPOSITIONS = frozenset(
    """about above across after against along among around as at before behind below beneath beside besides between
    beyond by despite during for from in inside into like near of off on onto out outside over past since
    through throughout till to toward towards under underneath until up upon with within without down away back""".split()
)
PLACE_PREPOSITIONS = frozenset(
    "above across around at behind below beneath beside between by in inside near on onto outside over under underneath".split()
)
OBJECTS = frozenset("me you him her it us them".split())
PARTICLES = frozenset("up off out back down over away along".split())
"""Words that belong to the verb although its object comes before them: "pick you up"."""
DETERMINERS = frozenset(
    """a an the this that these those my your his her its our their some any no every each all both another several
    many few much more one two three four five six seven eight nine ten""".split()
)
CLAUSE_STARTS = frozenset(
    "when while because since if after before until whenever although though unless so as".split()
)
ADVERBS = frozenset(
    """always often usually sometimes never rarely seldom frequently recently just also still already ever even only
    really now then once twice again currently regularly typically generally actually probably maybe perhaps
    finally soon later today tomorrow yesterday tonight almost nearly mostly mainly occasionally lately simply
    accidentally especially particularly certainly definitely normally both all""".split()
)
LINKS_TO_VERB = frozenset(
    """need want like love hate have prefer plan hope try used going forget forgot forgotten wish intend decided
    promised supposed got tend started begin began continue enjoy learn learned had wanted needed planned hoped
    tried loved liked has wants needs likes loves hates prefers plans""".split()
)
_BASES = """accept allow answer arrive ask attend avoid bake be become begin believe belong book borrow break bring build
    burn buy call carry catch celebrate change charge check choose clean close collect come complete contain
    cook cost count cover cry cut dance decide deliver depart describe die discuss dislike drink drive drop dry
    eat end enjoy enter exercise expect expire explain fall feel fill find finish fit fix fly follow forget
    freeze get give go graduate grow happen hate have hear help hide hit hold hope hurt include invite involve
    join jump keep kick know land last laugh learn leave lend let lie like listen live look lose love make marry
    mean measure meet mention miss move need notice offer open order organize own park pass pay perform pick
    plan plant play point practice prefer prepare print prove pull push put reach read receive recommend record
    relax remember remind rent repair repeat reply require rest retire return drip crumple ride ring rise run
    save say see seem sell send serve set share shop show shut sing sit sleep smell smile smoke sneeze speak
    spend spill stand start stay steal stop store study suffer suggest support suppose surprise swim switch take
    talk taste teach tell test thank think throw tie touch train travel treat try turn understand use visit wait
    wake walk want warn wash watch water wear weigh win wish wonder work worry write complain contact cycle
    deserve display divide earn fold hang hike host hurry inherit insist install introduce iron jog knit label
    lay lead lock lift paint pack peel plug polish postpone pour promise renew replace reserve rinse roll sew
    shave slice slip sort stir struggle subscribe unpack upgrade vacuum volunteer wipe wrap reminisce munch
    snack chat chew bump cancel confirm feature schedule misplace locate manage mix operate rely review scratch
    search""".split()
_IRREGULAR = """became began bent bit blew bought broke brought built burnt came caught chose cost cut did drank drew drove ate
    fell felt fought found flew forgot froze gave got grew had heard held hid hit hung hurt kept knew laid lay
    led left lent let lit lost made meant met paid put ran rang read rode rose said sang sat saw sent set shook
    shut slept sold spent spoke stole stood stuck swam taught thought threw told took understood went woke won
    wore wrote""".split()
PARTICIPLES = frozenset(
    """been begun bent bitten blown bought broken brought built burnt come caught chosen cost cut done drunk drawn
    driven eaten fallen felt fought found flown forgotten frozen given gone got gotten grown had heard held
    hidden hit hung hurt kept known laid led left lent let lit lost made meant met paid put run rung read ridden
    risen said sung sat seen sent set shaken shut slept sold spent spoken stolen stood stuck swum taken taught
    thought thrown told understood woken won worn written""".split()
)
"""Irregular past participles; regular ones end in -ed."""


def _third(base: str) -> str:
    if base.endswith(("s", "sh", "ch", "x", "o")):
        return base + "es"
    return base[:-1] + "ies" if base.endswith("y") and base[-2] not in "aeiou" else base + "s"


def _past(base: str) -> str:
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in "aeiou":
        return base[:-1] + "ied"
    vowels = [c in "aeiou" for c in base]
    doubles = base[-1] not in "aeiouwxy" and vowels[-2] and sum(vowels) == 1
    return base + base[-1] + "ed" if doubles else base + "ed"


VERB_BASES = frozenset(_BASES)
FINITE = frozenset({*map(_third, _BASES), *map(_past, _BASES), *_IRREGULAR}) | BE | MODALS | HAVE | DO
"""Forms that end a subject: third person, past, auxiliaries. Base forms are taken after plurals only."""


def is_adverb(word: str) -> bool:
    """True for the listed adverbs and for words in -ly that are no common adjective or noun."""
    lower = word.lower()
    return lower in ADVERBS or (lower.endswith("ly") and len(lower) > 4 and lower not in _NOT_ADVERBS)


_NOT_ADVERBS = frozenset(
    "family italy july jelly reply supply daily weekly monthly friendly lovely early apply rely only".split()
)


def is_participle(word: str) -> bool:
    """True when the word can follow "have" or "be" as a past participle."""
    lower = word.lower()
    return lower in PARTICIPLES or (
        lower.endswith("ed") and len(lower) > 3 and lower not in {"need", "seed", "weed", "feed"}
    )
