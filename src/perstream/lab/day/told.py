"""What the owner told the assistant before the day: some of it will matter, most of it will not."""

from __future__ import annotations

from dataclasses import dataclass

from perstream.lab.day import words
from perstream.lab.day.draw import Draw
from perstream.lab.day.talk import Remark
from perstream.lab.day.thing import Ask, Thing, ask

Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Told:
    """A told fact. ``topic``: what a word about it must mention (one string of each group)."""

    text: str
    topic: Groups = ()
    asks: tuple[Ask, ...] = ()
    unasked: tuple[str, ...] = ()


OWN_ALLERGY = "What am I allergic to?"
MATTERING = frozenset({"medicine", "food", "platform", "gate", "bus", "shop", "book", "parcel", "poster"})
"""Kinds of things that a told fact can make matter."""


def about(item: Thing, draw: Draw) -> Told | None:
    """A fact that makes a word due when ``item`` comes into view, or None where none comes to mind."""
    if item.kind == "medicine":
        text = draw.any(
            (
                f"I have to take {item.key} every day.",
                f"I take {item.key} against the pain.",
                f"Remind me to take my {item.key}.",
            )
        )
        return Told(text, ((item.key.lower(),),))
    if item.kind == "food" and item.key:
        person = draw.any(("I am", "I am", "My daughter is", "My husband is"))
        text = draw.any((f"{person} allergic to {item.key}.", f"{person} badly allergic to {item.key}."))
        if person == "I am":
            asked = ask("what", ((stem(item.key),),), OWN_ALLERGY)
        else:
            asked = ask("what", ((stem(item.key),),), f"What is {person.lower().removesuffix(' is')} allergic to?")
        return Told(text, ((stem(item.key),),), (asked,))
    if item.kind in ("platform", "gate", "bus"):
        return _journey(item.kind, draw)
    if item.kind == "shop":
        said, goods = next((said, goods) for sign, said, goods in words.SHOPS if sign == item.key)
        return _errand(said, draw.any(goods), draw)
    if item.kind == "book":
        return Told(
            draw.any((f"I am looking for the book {item.key}.", f"I want to read {item.key}.")), ((item.key.lower(),),)
        )
    if item.kind == "parcel":
        return Told(f"I am waiting for a parcel from {item.key.title()}.", ((item.key.lower(), "parcel"),))
    if item.kind == "poster":
        return Told(f"Remind me to buy tickets when I see a poster for the {item.key}.", (("ticket",),))
    return None


def _journey(kind: str, draw: Draw) -> Told:
    city = draw.pick(words.CITIES)
    if kind == "platform":
        number = str(draw.number(2, 19))
        question = ask("what", ((number,),), f"Which platform does my train to {city} leave from?")
        return Told(
            f"My train to {city} leaves from platform {number}.",
            (("platform", "train"), (number, city.lower())),
            (question,),
        )
    if kind == "gate":
        name = f"{draw.any('ABCDEF')}{draw.number(2, 48)}"
        question = ask("what", ((name,),), f"Which gate does my flight to {city} leave from?")
        return Told(
            f"My flight to {city} leaves from gate {name}.",
            (("gate", "flight"), (name.lower(), city.lower())),
            (question,),
        )
    number = str(draw.number(20, 98))
    question = ask("what", ((number,),), f"Which bus do I take to {city}?")
    return Told(f"My bus to {city} is number {number}.", (("bus",), (number, city.lower())), (question,))


def _errand(place: str, goods: str, draw: Draw) -> Told:
    core = goods.split()[-1]
    text = draw.any((f"Remind me to buy {goods} when I see {place}.", f"When I see {place}, remind me to buy {goods}."))
    return Told(text, ((core,),))


def promise(remark: Remark, draw: Draw) -> Told:
    """A fact that makes a word due when somebody talks."""
    what = draw.any(("the drill", "the umbrella", "the sleeping bag", "the ladder", "the cake tin"))
    return Told(f"Remind me to give back {what} when I talk to {remark.speaker}.", ((what.split(" ", 1)[1],),))


def stem(allergen: str) -> str:
    """The part of a word that its singular and plural share."""
    return {"strawberries": "strawberr", "tomatoes": "tomato"}.get(allergen, allergen.rstrip("s"))


def idle(draw: Draw, kinds: frozenset[str], count: int) -> list[Told]:
    """Facts that nothing of the day touches; some are near misses. ``kinds`` of things are shown."""
    never = draw.pick(words.NEVER_EATEN)
    thing, place = draw.any(
        (
            ("passport", "top drawer of the desk"),
            ("toolbox", "courtyard shed"),
            ("guitar", "hall cupboard"),
            ("tent", "attic"),
        )
    )
    shoe, relation, name = (
        draw.number(36, 46),
        draw.any(("sister", "brother", "cousin", "neighbour")),
        draw.pick(words.PEOPLE),
    )
    birthday = f"{draw.number(1, 28)} {draw.pick(words.MONTHS)}"
    music = draw.any(("jazz piano", "string quartets", "old blues", "film music"))
    job = draw.any(("an architect", "a nurse", "a translator", "a carpenter"))
    lost = draw.any(("my green umbrella", "my tennis racket", "my silver ring", "my headphones"))
    shop = draw.pick(words.SHOPS)
    facts = [
        Told(f"I am allergic to {never}."),
        Told(f"My {thing} is in the {place}.", (), (ask("where", ((place.split()[-1], place),), f"Where is my {thing}?", f"Where do I keep my {thing}?"),),
             (f"What colour is my {thing}?",)),
        Told(f"My shoe size is {shoe}.", (), (ask("what", ((str(shoe),),), "What is my shoe size?"),), ("What is my hat size?",)),
        Told(f"The birthday of my {relation} {name} is on {birthday}.", (),
             (ask("when", ((birthday,),), f"When is {name}'s birthday?", f"When is the birthday of my {relation}?"),),
             (f"What present does {name} want?",)),
        Told(f"My favourite music is {music}.", (), (ask("what", ((music,),), "What is my favourite music?"),), ("What is my favourite film?",)),
        Told(f"My brother-in-law works as {job}.", (), (ask("what", ((job.split()[1],),), "What does my brother-in-law work as?"),)),
        Told(f"I am looking for {lost}."),
        _errand(shop[1], draw.any(shop[2]), draw),
        Told(f"I take {draw.pick(words.MEDICINES).capitalize()} every morning."),
        Told(f"Remind me to call the bank at 22:{draw.number(10, 55)}."),
        Told(f"I am looking for the book {draw.pick(words.BOOKS).title()}."),
    ]  # fmt: skip
    facts += [_journey(kind, draw) for kind in ("platform", "gate", "bus") if kind not in kinds]
    return [Told(fact.text, (), fact.asks, fact.unasked) for fact in draw.shuffled(facts)[:count]]
