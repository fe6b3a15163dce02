"""What other people say: facts worth asking about, and small talk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perstream.lab.day import words
from perstream.lab.day.draw import Draw
from perstream.lab.day.thing import Ask, ask


@dataclass(frozen=True)
class Remark:
    """Something said by somebody."""

    speaker: str
    text: str
    asks: tuple[Ask, ...] = ()
    unasked: tuple[str, ...] = ()


def _keys(draw: Draw, who: str) -> Remark:
    where = draw.any(("in the blue drawer", "under the flower pot", "on the top shelf", "in my coat pocket"))
    what = draw.any(("spare keys", "garage keys", "cellar keys"))
    other = draw.pick(words.PEOPLE)
    return Remark(who, f"The {what} are {where}.", (
        ask("where", ((where.split(" ", 2)[2],),), f"Where are the {what}?", f"Where did {who} say the {what} are?"),
        ask("who", ((who,),), f"Who told me where the {what} are?"),
    ), (f"What did {other} say about the {what}?",))  # fmt: skip


def _pickup(draw: Draw, who: str) -> Remark:
    clock, where = draw.clock(16, 20), draw.any(("the cinema", "the north entrance", "the swimming pool", "the museum"))
    return Remark(who, f"I will pick you up at {clock} in front of {where}.", (
        ask("when", ((clock,),), f"When will {who} pick me up?", f"At what time is {who} picking me up?"),
        ask("where", ((where.split(" ", 1)[1],),), f"Where will {who} pick me up?"),
    ), (f"Which car will {who} pick me up with?",))  # fmt: skip


def _phone(draw: Draw, who: str) -> Remark:
    number = f"0{draw.number(171, 179)} {draw.number(200, 999)} {draw.number(100, 999)}"
    groups = ((number, number.replace(" ", "")),)
    return Remark(who, f"My new phone number is {number}.", (
        ask("what", groups, f"What is {who}'s new phone number?", f"What is the phone number of {who}?"),
    ), (f"What is {who}'s email address?",))  # fmt: skip


def _dinner(draw: Draw, who: str) -> Remark:
    day, bring = (
        draw.pick(words.DAYS),
        draw.any(("a salad", "two chairs", "a bottle of cider", "some candles", "a lemon tart")),
    )
    what = draw.any(("dinner", "the barbecue", "the housewarming"))
    plain = what.removeprefix("the ")
    return Remark(who, f"{what.capitalize()} is on {day}, please bring {bring}.", (
        ask("what", ((bring.split(" ", 1)[1],),), f"What should I bring to the {plain}?", f"What did {who} ask me to bring?"),
        ask("when", ((day,),), f"On which day is the {plain}?", f"When is the {plain}?"),
    ), (f"Who else comes to the {plain}?",))  # fmt: skip


def _repair(draw: Draw, who: str) -> Remark:
    trade, day, clock = (
        draw.any(("heating engineer", "electrician", "chimney sweep", "gardener")),
        draw.pick(words.DAYS),
        draw.clock(7, 12),
    )
    other = draw.pick(words.PEOPLE)
    return Remark(who, f"The {trade} comes on {day} at {clock}.", (
        ask("when", ((clock, day),), f"When does the {trade} come?", f"When is the {trade} coming?"),
    ), (f"What did {other} say about the {trade}?", f"What will the {trade} cost?"))  # fmt: skip


def _school(draw: Draw, who: str) -> Remark:
    child, school = (
        draw.pick(words.PEOPLE),
        draw.any(("Hillside School", "Riverside College", "Oak Tree School", "Saint Mary's")),
    )
    return Remark(who, f"My child {child} starts at {school} in {draw.pick(words.MONTHS)}.", (
        ask("where", ((school.split()[0],),), f"Which school does {child} start at?", f"Where does {who}'s child go to school?"),
        ask("who", ((child,),), f"What is the name of {who}'s child?"),
    ), (f"How old is {child}?",))  # fmt: skip


def _moved(draw: Draw, who: str) -> Remark:
    what, day, clock = (
        draw.any(("rehearsal", "workshop", "board meeting", "training")),
        draw.pick(words.DAYS),
        draw.clock(9, 19),
    )
    return Remark(who, f"The {what} was moved to {day} at {clock}.", (
        ask("when", ((day, clock),), f"When is the {what}?", f"To which day was the {what} moved?"),
        ask("who", ((who,),), f"Who told me that the {what} was moved?"),
    ), (f"Where does the {what} take place?",))  # fmt: skip


REMARKS: tuple[Callable[[Draw, str], Remark], ...] = (_keys, _pickup, _phone, _dinner, _repair, _school, _moved)
SMALL_TALK = (
    "It got a bit colder today, did it not?", "Nice to see you again!", "Oh well, such is life.",
    "I slept so badly last night.", "Did you see that game? Unbelievable.", "Let us go, it is getting late.",
    "That coffee was really good.", "Good morning, how are you?",
)  # fmt: skip


def remarks(draw: Draw, facts: int, chat: int) -> list[Remark]:
    """That many facts and that much small talk, each fact by another person, in random order."""
    said = [make(draw, draw.pick(words.PEOPLE)) for make in draw.shuffled(REMARKS)[:facts]]
    small = [Remark(draw.any(said).speaker, draw.pick(SMALL_TALK)) for _ in range(chat)]
    return draw.shuffled(said + small)
