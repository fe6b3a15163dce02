"""Things that show the way: platforms, gates, stops, doors, levels, shops, lockers, opening hours."""

from __future__ import annotations

from perstream.lab.day import words
from perstream.lab.day.draw import Draw
from perstream.lab.day.goods import BRIGHT
from perstream.lab.day.sheet import BLACK, WHITE, Colour, Sheet
from perstream.lab.day.thing import Thing, ask, thing

DARK: tuple[Colour, ...] = ((20, 40, 96), (28, 28, 34), (12, 72, 54), (96, 20, 28))


def platform(draw: Draw) -> Thing:
    """A sign of a railway platform with a train."""
    number, city, clock = draw.number(2, 19), draw.pick(words.CITIES), draw.clock()
    paper = draw.any(DARK)
    sheet = Sheet(760, 330, paper)
    sheet.write(40, 36, f"PLATFORM {number}", 88, WHITE, bold=True)
    sheet.rule(156, WHITE, 5, 40)
    sheet.write(40, 184, f"{clock}  {city}", 76, (255, 222, 90), bold=True)
    return thing(
        "platform", "platform sign", sheet, 1.5, key=str(number),
        asks=(
            ask("what", ((str(number),),), f"Which platform does the train to {city} leave from?",
                f"From which platform does the {city} train go?"),
            ask("when", ((clock,),), f"When does the train to {city} leave?", f"What time is the train to {city}?"),
        ),
        unasked=(f"What does a ticket to {city} cost?", f"How late is the train to {city}?"),
    )  # fmt: skip


def gate(draw: Draw) -> Thing:
    """A sign of a gate in an airport."""
    name, city, clock = f"{draw.any('ABCDEF')}{draw.number(2, 48)}", draw.pick(words.CITIES), draw.clock()
    paper = draw.any(((250, 204, 30), (28, 28, 34), (20, 40, 96)))
    ink = BLACK if paper[0] > 200 else WHITE
    sheet = Sheet(700, 340, paper)
    sheet.write(40, 30, f"GATE {name}", 104, ink, bold=True)
    sheet.write(40, 196, f"{city} {clock}", 76, ink)
    return thing(
        "gate", "gate sign", sheet, 1.4, key=name,
        asks=(
            ask("what", ((name,),), f"Which gate is the flight to {city}?", f"What gate did I see for {city}?"),
            ask("when", ((clock,),), f"When does the flight to {city} leave?"),
        ),
        unasked=(f"Which seat do I have on the flight to {city}?", f"How long is the flight to {city}?"),
    )  # fmt: skip


def bus_stop(draw: Draw) -> Thing:
    """A sign of a bus stop."""
    line, city, stop = draw.number(20, 98), draw.pick(words.CITIES), draw.pick(words.STREETS)
    paper = draw.any(((250, 204, 30), (12, 92, 54), (176, 30, 36)))
    ink = BLACK if paper[0] > 200 else WHITE
    sheet = Sheet(560, 420, paper)
    sheet.box(24, 24, 536, 178, WHITE, radius=16)
    sheet.write(0, 42, f"BUS {line}", 92, BLACK, bold=True, centre=True)
    sheet.write(0, 212, stop, 56, ink, bold=True, centre=True)
    sheet.write(0, 306, f"to {city}", 56, ink, centre=True)
    return thing(
        "bus", "bus stop sign", sheet, 0.9, key=str(line),
        asks=(
            ask("what", ((str(line),),), f"Which bus goes to {city}?", f"What is the number of the bus to {city}?"),
            ask("where", ((stop,),), f"At which stop did I see bus {line}?", f"Where does bus {line} stop?"),
        ),
        unasked=(f"What does the bus to {city} cost?", f"When does bus {line} leave?"),
    )  # fmt: skip


def door_plate(draw: Draw) -> Thing:
    """The plate of a room with a name."""
    number, name = draw.number(101, 489), f"{draw.pick(words.PEOPLE)} {draw.pick(words.SURNAMES)}"
    sheet = Sheet(560, 320, draw.any(((214, 216, 220), (236, 234, 226), WHITE)))
    sheet.frame((120, 122, 128), 8, 6)
    sheet.write(0, 40, f"ROOM {number}", 84, BLACK, bold=True, centre=True)
    sheet.write(0, 188, name, 56, (50, 54, 70), centre=True)
    return thing(
        "door", "door plate", sheet, 0.5,
        asks=(
            ask("what", ((str(number),),), f"What is the room number of {name}?", f"Which room is {name.split()[0]}'s office?"),
            ask("who", ((name,),), f"Whose name is on the door of room {number}?", f"Who is in room {number}?"),
        ),
        unasked=(f"What are the office hours of {name}?", f"What is the phone number of {name}?"),
    )  # fmt: skip


def parking(draw: Draw) -> Thing:
    """The level and bay of a car park."""
    level, bay = f"{draw.any(('P', 'L'))}{draw.number(2, 9)}", f"{draw.any('ABCDEFGH')}{draw.number(11, 88)}"
    paper = draw.any(BRIGHT)
    sheet = Sheet(560, 420, paper)
    sheet.write(0, 34, "PARKING", 70, WHITE, bold=True, centre=True)
    sheet.write(0, 140, f"LEVEL {level}", 88, WHITE, bold=True, centre=True)
    sheet.write(0, 276, f"BAY {bay}", 76, (255, 232, 150), bold=True, centre=True)
    return thing(
        "parking", "parking sign", sheet, 1.0,
        asks=(
            ask("where", ((level, bay),), "On which parking level was I?", "What parking level did I see?"),
            ask("where", ((bay,),), "What is the parking bay?", "Which bay is on the parking sign?"),
        ),
        unasked=("How much is the parking per hour?", "When does the car park close?"),
    )  # fmt: skip


def shop_sign(draw: Draw, shop: tuple[str, str, tuple[str, ...]] | None = None) -> Thing:
    """The sign over a shop, with its house number."""
    name, said, _ = shop or draw.pick(words.SHOPS)
    family, since = draw.pick(words.SURNAMES), draw.number(1890, 1990)
    paper = draw.any(DARK)
    sheet = Sheet(760, 300, paper)
    sheet.frame((220, 190, 110), 6, 10)
    sheet.write(0, 42, name, 104, (250, 226, 160), bold=True, centre=True)
    sheet.write(0, 196, f"{family} since {since}", 54, WHITE, centre=True)
    plain = said.split(" ", 1)[1]
    return thing(
        "shop", "shop sign", sheet, 1.5, key=name,
        asks=(
            ask("who", ((family,),), f"What is the {plain} called?", f"Which family runs the {plain}?"),
            ask("when", ((str(since),),), f"Since when has the {plain} existed?", f"What year is on the sign of the {plain}?"),
        ),
        unasked=(f"When does the {plain} open?", f"What is the phone number of the {plain}?"),
    )  # fmt: skip


def locker(draw: Draw) -> Thing:
    """The door of a locker."""
    number, level = draw.number(112, 488), draw.any(("GREEN", "BLUE", "RED"))
    sheet = Sheet(420, 360, {"GREEN": (38, 110, 70), "BLUE": (36, 70, 140), "RED": (160, 44, 40)}[level])
    sheet.write(0, 44, "LOCKER", 70, WHITE, bold=True, centre=True)
    sheet.write(0, 148, str(number), 140, WHITE, bold=True, centre=True)
    return thing(
        "locker",
        "locker",
        sheet,
        0.42,
        asks=(ask("what", ((str(number),),), "What is the number of the locker?", "Which locker did I see?"),),
        unasked=("What is the code of the locker?", "Who rents the locker?"),
    )


def hours(draw: Draw) -> Thing:
    """Opening hours."""
    opens, closes = draw.clock(7, 10), draw.clock(16, 20)
    short, late = draw.clock(11, 14), draw.any(("Saturday", "Sunday"))
    sheet = Sheet(600, 380, WHITE)
    ink = draw.any(BRIGHT)
    sheet.box(0, 0, 600, 104, ink)
    sheet.write(0, 24, "OPENING HOURS", 54, WHITE, bold=True, centre=True)
    y = sheet.write(36, 136, "Monday - Friday", 42)
    y = sheet.write(36, y, f"{opens} - {closes}", 50, BLACK, bold=True)
    sheet.write(36, y + 16, f"{late} until {short}", 44)
    return thing(
        "hours", "opening hours", sheet, 0.6,
        asks=(
            ask("when", ((closes,),), "When does it close on weekdays?", "Until when is it open from Monday to Friday?"),
            ask("when", ((short,),), f"Until when is it open on {late}?"),
        ),
        unasked=("When is it closed for holidays?", f"When does it open on {late}?"),
    )  # fmt: skip
