"""The memory categories: 8 groups, 34 keys, each with phrases that say what belongs to it.

The keys are those of the PerStream paper's parameter table. The phrases are what the remember gate
compares a keyframe with; they are data, so that a deployment can extend them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Category:
    """One leaf of the tree layer."""

    key: str
    group: str
    phrases: tuple[str, ...]
    """Short texts typical of the category."""


def _group(group: str, /, **keys: tuple[str, ...]) -> tuple[Category, ...]:
    return tuple(Category(key, group, phrases) for key, phrases in keys.items())


CATEGORIES: tuple[Category, ...] = (
    *_group(
        "identity",
        name=("a person's name", "my name is", "name badge", "name tag hello I am"),
        identification=(
            "passport number",
            "identity card",
            "driver's licence",
            "membership number",
            "boarding pass code",
        ),
        vehicle=("my car", "licence plate number", "parking level and bay", "bicycle lock code", "parked the car"),
        contact=("phone number", "email address", "how to reach someone", "call this number"),
        education=("school or university", "lecture and course", "exam date", "class timetable", "homework"),
    ),
    *_group(
        "profile",
        nickname=("a nickname", "people call me", "known as"),
        age=("how old someone is", "age in years", "turning forty"),
        physical=("height and weight", "shoe size", "clothing size", "glasses prescription"),
        birth=("date of birth", "place of birth", "born in"),
        employment=(
            "job and employer",
            "office and company",
            "meeting at work",
            "project deadline",
            "manager and colleagues",
        ),
    ),
    *_group(
        "health",
        medical=(
            "medicine and dosage",
            "tablets to take daily",
            "doctor or dentist appointment",
            "prescription from the pharmacy",
            "vaccination",
        ),
        health=(
            "allergy to food",
            "peanuts, milk, gluten, eggs ingredients",
            "diet and nutrition label",
            "exercise and sleep",
            "blood pressure",
        ),
    ),
    *_group(
        "transactions",
        transactions=("receipt with a total", "bought for this price", "order number", "invoice to pay"),
        financial=("bank account", "salary and rent", "bill due", "tax and savings"),
        cards=("credit card", "loyalty card", "gift card", "pin code"),
    ),
    *_group(
        "behavior",
        apps=("an app on the phone", "software on the screen", "wifi password", "computer login"),
        schedule=(
            "calendar entry with a time",
            "appointment on Monday",
            "reminder for tomorrow",
            "opening hours",
            "deadline on Friday",
        ),
        browsing=("a web page", "website address link", "search results", "QR code link"),
        mentioned=("something someone said", "a person mentioned", "heard in a conversation"),
        phrases=("a saying or quote", "slogan on a poster", "motto"),
    ),
    *_group(
        "location",
        travel=(
            "train platform sign",
            "platform 4",
            "departure and arrival",
            "flight gate",
            "bus stop and line",
            "ticket and seat",
            "hotel booking",
        ),
        location=("where I am", "street name sign", "room number", "exit and entrance sign", "floor and building"),
        places=(
            "a shop or cafe name",
            "supermarket",
            "museum and park",
            "kitchen, office, garden",
            "place I have been before",
        ),
    ),
    *_group(
        "social",
        relationships=(
            "friend or family member",
            "my sister and brother",
            "partner and children",
            "people together, faces",
        ),
        birthdays=("birthday party", "birthday of a friend", "happy birthday card"),
        interests=("what a friend likes", "shared hobby", "gift idea for someone"),
        addresses=("postal address", "house number and street", "parcel label", "delivery address"),
    ),
    *_group(
        "personal data",
        personal_interests=(
            "my hobby",
            "book title and author",
            "film or concert poster",
            "recipe and cooking",
            "sports team",
            "favourite food I like",
        ),
        notes=("handwritten note", "whiteboard with tasks", "shopping list", "to-do list", "where I put the keys"),
        media=("photo or video", "music playing", "television programme", "newspaper headline"),
        app_data=("data of an app", "step count", "settings screen", "statistics on a display"),
        contacts_list=("contact list entry", "business card", "phone book"),
        chat=("chat conversation", "someone asks and answers", "talking with a person"),
        messages=("text message received", "email received", "voice mail", "notification"),
    ),
)

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(category.group for category in CATEGORIES))
KEYS: tuple[str, ...] = tuple(category.key for category in CATEGORIES)
