"""The kinds of rooms, how they look, and what may be found in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from perstream.lab.day import goods, papers, signs
from perstream.lab.day.draw import Draw
from perstream.lab.day.rooms import Style
from perstream.lab.day.surfaces import Bgr, bricks, concrete, planks, plaster, tiles
from perstream.lab.day.thing import Thing

Maker = Callable[[Draw], Thing]

WARM: tuple[Bgr, ...] = ((176, 206, 222), (200, 214, 226), (168, 196, 204), (186, 190, 214))
COOL: tuple[Bgr, ...] = ((214, 206, 190), (208, 212, 204), (196, 188, 176), (220, 216, 208))
RED: tuple[Bgr, ...] = ((64, 78, 150), (70, 96, 164), (88, 104, 142))
GREY: tuple[Bgr, ...] = ((160, 160, 158), (140, 146, 148), (176, 178, 172))
WOOD: tuple[Bgr, ...] = ((70, 112, 158), (96, 140, 182), (46, 74, 112), (120, 156, 186))
PALE: tuple[Bgr, ...] = ((196, 200, 202), (176, 190, 200), (150, 160, 168))
DEEP: tuple[Bgr, ...] = ((110, 86, 60), (74, 66, 104), (70, 100, 72), (84, 84, 90))
SKY: Bgr = (238, 220, 190)
WHITE: Bgr = (226, 230, 232)


@dataclass(frozen=True)
class Kind:
    """A kind of room."""

    name: str
    style: Style
    makers: tuple[str, ...]
    """Names of what may be found there, keys of ``MAKERS``."""


MAKERS: dict[str, Maker] = {
    "medicine": goods.medicine, "food": goods.food, "book": goods.book, "parcel": goods.parcel,
    "receipt": goods.receipt, "calendar": papers.calendar, "appointment": papers.appointment,
    "whiteboard": papers.whiteboard, "shopping list": papers.shopping_list, "wifi": papers.wifi,
    "poster": papers.poster, "qr": papers.code, "platform": signs.platform, "gate": signs.gate,
    "bus": signs.bus_stop, "door": signs.door_plate, "parking": signs.parking, "shop": signs.shop_sign,
    "locker": signs.locker, "hours": signs.hours,
}  # fmt: skip

INDOORS = (plaster,)
KINDS: tuple[Kind, ...] = (
    Kind("kitchen", Style((tiles, plaster), WARM, (tiles, planks), WOOD + PALE, WHITE, 2.6, ("counter", "table"), ("fridge", "window", "cabinet", "cabinet", "nothing")),
         ("food", "calendar", "shopping list", "medicine", "wifi")),
    Kind("office", Style(INDOORS, COOL, (concrete, planks), WOOD + PALE, WHITE, 2.7, ("table", "cabinet"), ("window", "cabinet", "rack", "picture", "nothing")),
         ("whiteboard", "door", "parcel", "poster", "calendar", "qr")),
    Kind("station", Style((tiles, concrete), GREY, (concrete, tiles), GREY, (150, 150, 148), 3.8, ("bench",), ("machine", "pillar", "bench", "window", "nothing")),
         ("platform", "poster", "hours", "qr")),
    Kind("street", Style((bricks,), RED, (concrete, tiles), GREY, SKY, 5.0, ("bench",), ("window", "window", "bench", "car", "machine"), 1.12),
         ("bus", "shop", "poster", "parking")),
    Kind("shop", Style(INDOORS, COOL + WARM, (tiles, planks), WOOD + PALE, WHITE, 2.9, ("counter", "cabinet"), ("rack", "rack", "fridge", "nothing")),
         ("food", "receipt", "hours", "qr")),
    Kind("living room", Style(INDOORS, WARM, (planks,), WOOD + DEEP, WHITE, 2.6, ("cabinet", "sofa", "table"), ("picture", "window", "sofa", "rack", "picture")),
         ("book", "parcel", "calendar", "appointment", "wifi")),
    Kind("pharmacy", Style((tiles, plaster), COOL, (tiles,), PALE, WHITE, 2.8, ("counter",), ("rack", "rack", "cabinet", "nothing"), 1.08),
         ("medicine", "hours", "appointment", "receipt")),
    Kind("library", Style(INDOORS, WARM + COOL, (planks, concrete), WOOD, WHITE, 3.0, ("table", "cabinet"), ("rack", "rack", "rack", "window")),
         ("book", "hours", "qr", "poster")),
    Kind("gym", Style((concrete, plaster), GREY + COOL, (concrete,), DEEP, (150, 150, 148), 3.2, ("bench",), ("bench", "machine", "pillar", "window", "nothing"), 0.92),
         ("locker", "poster", "whiteboard", "hours")),
    Kind("garage", Style((concrete,), GREY, (concrete,), GREY, (120, 122, 122), 2.5, ("bench",), ("car", "car", "pillar", "nothing"), 0.72),
         ("parking",)),
    Kind("airport", Style((plaster, concrete), COOL, (tiles,), GREY + PALE, (200, 204, 206), 3.8, ("bench", "counter"), ("bench", "window", "machine", "pillar", "nothing")),
         ("gate", "shop", "qr", "parcel")),
    Kind("cafe", Style((bricks, plaster), RED + WARM, (planks, tiles), WOOD + DEEP, WHITE, 2.8, ("counter", "table"), ("picture", "table", "window", "fridge", "picture"), 0.9),
         ("wifi", "receipt", "food", "poster", "qr")),
)  # fmt: skip

CORRIDOR = Style(
    (plaster, concrete),
    GREY + COOL,
    (concrete, planks),
    GREY + WOOD,
    (150, 152, 152),
    2.4,
    ("cabinet",),
    ("window", "picture", "cabinet", "rack", "nothing", "nothing"),
    0.4,
)
