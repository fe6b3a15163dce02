"""Things to hold: medicine, food, books, parcels, receipts."""

from __future__ import annotations

from perstream.lab.day import words
from perstream.lab.day.draw import Draw
from perstream.lab.day.sheet import BLACK, WHITE, Colour, Sheet
from perstream.lab.day.thing import Thing, ask, thing

BRIGHT: tuple[Colour, ...] = ((186, 44, 38), (24, 98, 64), (28, 74, 150), (126, 44, 120), (188, 96, 16), (20, 110, 124))
PALE: tuple[Colour, ...] = ((246, 238, 214), (226, 238, 246), (240, 228, 234), (232, 240, 224), WHITE)


def medicine(draw: Draw) -> Thing:
    """A box of tablets with a dose and how to take them."""
    name, dose, count = draw.pick(words.MEDICINES), draw.pick(words.DOSES), draw.any((10, 20, 30, 60, 90))
    often = draw.any(("once daily", "twice daily", "before meals", "after meals", "at bedtime"))
    each = draw.any((1, 2))
    ink = draw.any(BRIGHT)
    sheet = Sheet(640, 340, WHITE)
    if draw.chance(0.5):
        sheet.box(0, 0, 640, 118, ink)
        y = sheet.write(28, 26, name, 62, WHITE, bold=True)
    else:
        sheet.box(0, 296, 640, 340, ink)
        y = sheet.write(28, 24, name, 62, ink, bold=True)
    y = sheet.write(28, y + 18, f"{dose} mg", 54, BLACK, bold=True)
    sheet.write(28, y + 8, f"{count} tablets", 36)
    sheet.write(300, y + 8, "1 tablet" if each == 1 else "2 tablets", 36)
    sheet.write(300, y + 50, often, 36)
    said = name.capitalize()
    return thing(
        "medicine", "medicine box", sheet, 0.34, depth_m=0.1, key=said,
        asks=(
            ask("what", ((f"{dose} mg", f"{dose}mg"),), f"What dose is on the {said} box?",
                f"How many milligrams does the {said} have?", f"What is the strength of the {said} tablets?"),
            ask("what", ((often,),), f"How often should the {said} be taken?", f"When do I have to take the {said}?"),
        ),
        unasked=(f"What is the expiry date of the {said}?", f"How much did the {said} cost?"),
    )  # fmt: skip


def food(draw: Draw, label: tuple[str, str] | None = None) -> Thing:
    """A jar or packet of food with a label; ``label`` is (allergen, name)."""
    allergen, name = label or ("", draw.pick(words.PLAIN_FOODS))
    maker, grams = draw.pick(words.MAKERS), draw.pick((125, 180, 240, 330, 350, 420, 450, 700, 750, 900))
    ink, paper = draw.any(BRIGHT), draw.any(PALE)
    sheet = Sheet(560, 420, draw.any(BRIGHT) if draw.chance(0.4) else (168, 118, 66))
    sheet.box(34, 40, 526, 384, paper, radius=22)
    y = sheet.write(0, 62, maker, 34, BLACK, centre=True)
    for word in name.split():
        y = sheet.write(0, y + 10, word, 72, ink, bold=True, centre=True)
    sheet.write(0, y + 12, f"{grams} g", 36, BLACK, centre=True)
    said = name.lower()
    return thing(
        "food", "food label", sheet, 0.34, depth_m=0.2, key=allergen,
        asks=(
            ask("what", ((maker,),), f"Which brand was the {said}?", f"Who makes the {said} I saw?"),
            ask("how many", ((f"{grams} g", f"{grams}g"),), f"How many grams of {said} were in the pack?",
                f"How heavy was the pack of {said}?"),
        ),
        unasked=(f"What did the {said} cost?", f"When does the {said} expire?"),
    )  # fmt: skip


def book(draw: Draw) -> Thing:
    """A book with title and author."""
    title, author = draw.pick(words.BOOKS), f"{draw.any(words.PEOPLE)} {draw.pick(words.SURNAMES)}"
    ink = draw.any(BRIGHT)
    sheet = Sheet(460, 560, ink)
    sheet.box(26, 26, 434, 534, draw.any(PALE))
    y = 60.0
    for part in _wrapped(title, 11):
        y = sheet.write(0, y, part, 58, ink, bold=True, centre=True) + 6
    sheet.rule(y + 24, ink, 6, 90)
    sheet.write(0, 440, author, 42, BLACK, centre=True)
    said = title.title()
    return thing(
        "book", "book", sheet, 0.3, depth_m=0.06, key=said,
        asks=(
            ask("who", ((author.split()[1],),), f"Who wrote {said}?", f"Who is the author of {said}?"),
            ask("what", ((said,),), f"Which book by {author} did I see?", f"What is the title of the book by {author}?"),
        ),
        unasked=(f"Who is the publisher of {said}?", f"How many pages does {said} have?"),
    )  # fmt: skip


def parcel(draw: Draw) -> Thing:
    """A parcel with its label."""
    courier, person = draw.pick(words.COURIERS), f"{draw.pick(words.PEOPLE)} {draw.pick(words.SURNAMES)}"
    street, house, city = draw.pick(words.STREETS), draw.number(2, 99), draw.pick(words.CITIES)
    ink = draw.any(BRIGHT)
    sheet = Sheet(640, 400, (176, 136, 92))
    sheet.box(60, 36, 580, 366, WHITE)
    sheet.box(60, 36, 580, 112, ink)
    sheet.write(84, 50, courier, 46, WHITE, bold=True)
    y = sheet.write(84, 132, f"To: {person}", 42, BLACK, bold=True)
    y = sheet.write(84, y + 4, f"{street} {house}", 40)
    sheet.write(84, y + 4, city, 40)
    return thing(
        "parcel", "parcel", sheet, 0.46, depth_m=0.3, key=courier,
        asks=(
            ask("who", ((person,),), "Who is the parcel addressed to?", f"Who is the {courier.title()} parcel for?"),
            ask("where", ((f"{street} {house}",),), f"What is the street address on the parcel for {person}?",
                f"Where does the {courier.title()} parcel go, which street?"),
        ),
        unasked=(f"What is the tracking number of the {courier.title()} parcel?", "How heavy is the parcel?"),
    )  # fmt: skip


def receipt(draw: Draw) -> Thing:
    """A receipt with two items and a total."""
    shop = draw.pick(words.MAKERS)
    items = [draw.pick(words.GROCERIES) for _ in range(2)]
    prices = [draw.number(110, 990) / 100 for _ in items]
    total = f"{sum(prices):.2f}"
    sheet = Sheet(440, 420, (250, 249, 244))
    y = sheet.write(0, 26, shop, 44, BLACK, bold=True, centre=True)
    sheet.rule(y + 8, BLACK)
    y += 24
    for item, price in zip(items, prices, strict=True):
        sheet.write(34, y, item.capitalize(), 38)
        y = sheet.write(300, y, f"{price:.2f}", 38)
    sheet.rule(y + 12, BLACK)
    sheet.write(34, y + 32, f"TOTAL  {total}", 52, BLACK, bold=True)
    return thing(
        "receipt", "receipt", sheet, 0.28,
        asks=(
            ask("how many", ((total,),), "What was the total on the receipt?", f"How much was the bill at {shop.title()}?",
                "How much did I have to pay according to the receipt?"),
            ask("how many", ((f"{prices[0]:.2f}",),), f"What did the {items[0]} cost on the receipt?"),
        ),
        unasked=("Who was the cashier on the receipt?", "Which card did I pay the receipt with?"),
    )  # fmt: skip


def _wrapped(text: str, limit: int) -> list[str]:
    """Words in lines of at most ``limit`` letters, unless a word is longer."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= limit:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines
