"""Things to read on walls and doors at home and at work: calendars, notes, boards, posters, codes."""

from __future__ import annotations

import cv2
import numpy as np

from perstream.lab.day import words
from perstream.lab.day.draw import Draw
from perstream.lab.day.goods import BRIGHT, PALE
from perstream.lab.day.sheet import BLACK, WHITE, Sheet
from perstream.lab.day.thing import Thing, ask, thing
from perstream.types import ByteArray

YELLOW = (250, 232, 128)


def calendar(draw: Draw) -> Thing:
    """A calendar page with one appointment."""
    month, day, weekday = draw.pick(words.MONTHS), draw.number(1, 28), draw.pick(words.DAYS)
    doctor, clock = draw.pick(words.DOCTORS), draw.clock(8, 18)
    ink = draw.any(BRIGHT)
    sheet = Sheet(520, 480, WHITE)
    sheet.box(0, 0, 520, 108, ink)
    sheet.write(0, 24, month.upper(), 58, WHITE, bold=True, centre=True)
    y = sheet.write(0, 130, str(day), 120, BLACK, bold=True, centre=True)
    y = sheet.write(0, y - 4, weekday, 46, ink, centre=True)
    sheet.write(0, y + 14, f"{doctor} {clock}", 44, BLACK, bold=True, centre=True)
    said = doctor.lower()
    return thing(
        "calendar", "calendar", sheet, 0.42, key=said,
        asks=(
            ask("when", ((clock,),), f"What time is the {said} appointment?", f"At what time is the {said}?"),
            ask("when", ((weekday, f"{day} {month}", f"{month} {day}", f"{day}th"),), f"On which day is the {said} appointment?",
                f"What date does the calendar show for the {said}?"),
        ),
        unasked=(f"What is the phone number of the {said}?", f"What will the {said} appointment cost?"),
    )  # fmt: skip


def appointment(draw: Draw) -> Thing:
    """An appointment card of a practice."""
    doctor, name = draw.pick(words.DOCTORS), draw.pick(words.SURNAMES)
    weekday, clock = draw.pick(words.DAYS), draw.clock(8, 18)
    ink = draw.any(BRIGHT)
    sheet = Sheet(600, 340, draw.any(PALE))
    sheet.frame(ink)
    y = sheet.write(36, 32, doctor, 48, ink, bold=True)
    y = sheet.write(36, y + 2, f"Dr. {name}", 44)
    y = sheet.write(36, y + 4, "Next appointment", 36)
    sheet.write(36, y + 4, f"{weekday} {clock}", 52, BLACK, bold=True)
    said = doctor.lower()
    return thing(
        "appointment", "appointment card", sheet, 0.3, key=said,
        asks=(
            ask("when", ((clock, weekday),), f"When is my next {said} appointment?", f"When do I have to see Dr. {name}?"),
            ask("who", ((name,),), f"What is the name on the {said} card?", f"Which doctor is on the {said} appointment card?"),
        ),
        unasked=(f"What is the address of Dr. {name}?", f"What is the phone number of Dr. {name}?"),
    )  # fmt: skip


def whiteboard(draw: Draw) -> Thing:
    """A board with three tasks, one of them with a name."""
    tasks = [draw.pick(words.TASKS) for _ in range(3)]
    person, weekday = draw.pick(words.PEOPLE), draw.pick(words.DAYS)
    sheet = Sheet(720, 420, (248, 249, 248))
    sheet.frame((150, 152, 156), 12, 0)
    inks = ((30, 60, 150), (170, 40, 40), (30, 110, 60))
    y = sheet.write(48, 34, draw.any(("TO DO", "TASKS", "THIS WEEK")), 54, BLACK, bold=True)
    y += 16
    for (task, _), ink in zip(tasks, inks, strict=True):
        mark = person if task == tasks[0][0] else weekday if task == tasks[1][0] else ""
        y = sheet.write(48, y, f"- {task}" + (f": {mark}" if mark else ""), 46, ink) + 14
    return thing(
        "whiteboard", "whiteboard", sheet, 1.5,
        asks=(
            ask("what", tuple((tag,) for _, tag in tasks[:2]), "What tasks are on the whiteboard?", "What is written on the whiteboard?"),
            ask("who", ((person,),), f"Who has to {tasks[0][0].lower()}?", f"Whose task is it to {tasks[0][0].lower()}?"),
            ask("when", ((weekday,),), f"When do we have to {tasks[1][0].lower()}?"),
        ),
        unasked=(f"Who has to {tasks[2][0].lower()}?", f"What did it cost to {tasks[1][0].lower()}?"),
    )  # fmt: skip


def shopping_list(draw: Draw) -> Thing:
    """A note with how many of what to buy."""
    items = [(draw.number(2, 12), draw.pick(words.GROCERIES)) for _ in range(3)]
    sheet = Sheet(420, 400, YELLOW if draw.chance(0.6) else WHITE)
    y = sheet.write(36, 28, draw.any(("Shopping", "To buy", "Market")), 52, (150, 40, 40), bold=True) + 12
    for count, item in items:
        y = sheet.write(36, y, f"{count} {item}", 48, (40, 44, 110)) + 14
    return thing(
        "shopping list", "shopping list", sheet, 0.3,
        asks=(
            ask("how many", ((str(items[0][0]),),), f"How many {items[0][1]} are on the shopping list?", f"How many {items[0][1]} should I buy?"),
            ask("what", tuple((item,) for _, item in items[:2]), "What is on the shopping list?", "What should I buy according to the note?"),
        ),
        unasked=("How much bread is on the shopping list?", f"In which shop should I buy the {items[1][1]}?"),
    )  # fmt: skip


def wifi(draw: Draw) -> Thing:
    """A note with the name and password of a network."""
    network, password = draw.pick(words.NETWORKS), f"{draw.pick(words.PASSWORDS)}-{draw.number(20, 98)}"
    sheet = Sheet(600, 320, draw.any(PALE))
    sheet.frame((90, 90, 96), 4)
    sheet.write(0, 26, draw.any(("WiFi", "Guest WiFi", "Free WiFi")), 56, draw.any(BRIGHT), bold=True, centre=True)
    sheet.write(36, 122, f"Network: {network}", 44)
    sheet.write(36, 206, f"Password: {password}", 44)
    return thing(
        "wifi", "wifi note", sheet, 0.36,
        asks=(
            ask("what", ((password,),), "What is the wifi password?", f"What is the password of the {network} network?"),
            ask("what", ((network,),), "What is the name of the wifi network?", "Which wifi network did I see?"),
        ),
        unasked=("What is the router's serial number?", "Who set up the wifi?"),
    )  # fmt: skip


def poster(draw: Draw) -> Thing:
    """A poster with an event, a date, a time and a place."""
    event, venue = draw.pick(words.CONCERTS), draw.pick(words.VENUES)
    date, clock = f"{draw.number(1, 28)} {draw.pick(words.MONTHS)}", draw.clock(17, 21)
    paper = draw.any(BRIGHT)
    ink = WHITE if draw.chance(0.6) else (255, 232, 150)
    sheet = Sheet(520, 560, paper)
    r, g, b = (min(255, c + 26) for c in paper)
    lighter = (r, g, b)
    for i in range(6):
        left = draw.between(0, 420)
        sheet.box(left, 330 + 26 * i, left + draw.between(40, 100), 340 + 26 * i, lighter)
    y = 46.0
    for word in event.rsplit(" ", 1):
        y = sheet.write(0, y, word, 84, ink, bold=True, centre=True) + 4
    y = sheet.write(0, y + 26, date, 54, ink, bold=True, centre=True)
    y = sheet.write(0, y + 8, clock, 52, ink, centre=True)
    sheet.write(0, y + 12, venue, 44, ink, bold=True, centre=True)
    said = event.lower()
    return thing(
        "poster", "poster", sheet, 0.8, key=said,
        asks=(
            ask("when", ((date,),), f"When is the {said}?", f"On what date is the {said}?"),
            ask("where", ((venue,),), f"Where does the {said} take place?", f"Where is the {said}?"),
            ask("when", ((clock,),), f"What time does the {said} start?"),
        ),
        unasked=(f"How much is a ticket for the {said}?", f"Who plays at the {said}?"),
    )  # fmt: skip


def code(draw: Draw) -> Thing:
    """A QR code with a caption."""
    site, host = draw.pick(words.SITES), draw.pick(words.HOSTS)
    link = f"https://{host}/{site}"
    sheet = Sheet(460, 520, WHITE)
    picture = np.asarray(cv2.QRCodeEncoder.create().encode(link), dtype=np.uint8)
    scale = 370 // picture.shape[0]
    big: ByteArray = np.repeat(np.repeat(picture, scale, axis=0), scale, axis=1)
    margin = (460 - big.shape[1]) // 2
    sheet.paste(np.repeat(big[:, :, None], 3, axis=2), margin, 24)
    sheet.write(0, 440, f"Scan for {site}", 48, draw.any(BRIGHT), bold=True, centre=True)
    return thing(
        "qr", "QR code", sheet, 0.4,
        asks=(ask("what", ((f"{host}/{site}", link),), f"What is the link of the QR code for {site}?", f"Which web address does the {site} QR code lead to?"),),
        unasked=(f"Who printed the {site} QR code?",),
    )  # fmt: skip
