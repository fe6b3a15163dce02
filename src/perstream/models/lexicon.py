"""Everyday words that mean one thing or a kind of thing: what lets "medicine" find "tablets".

Two tables, both data. ``SYNONYMS``: words that may stand for each other. ``KINDS``: a general word
and what belongs to it; a general word in a question is met by any member, never the other way
round, and two members never meet ("tea" does not answer for "coffee").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

SYNONYMS: tuple[str, ...] = (
    "medicine medication drug tablet pill capsule remedy pharmaceutical",
    "allergic allergy allergen intolerant intolerance",
    "phone telephone mobile cell tel",
    "email mail",
    "password passcode passphrase",
    "wifi wlan wi-fi wireless",
    "bike bicycle",
    "car vehicle automobile",
    "mom mother mum mummy",
    "dad father daddy",
    "shop store",
    "supermarket grocery",
    "film movie cinema",
    "doctor physician",
    "professor prof",
    "meeting appointment visit",
    "flat apartment",
    "sofa couch",
    "fridge refrigerator",
    "bin trash rubbish garbage",
    "holiday vacation",
    "begin start",
    "end finish stop",
    "close shut closing",
    "open opening",
    "leave depart departure go",
    "arrive arrival reach come",
    "buy purchase get",
    "pick collect fetch",
    "cost price charge",
    "broken defective damaged",
    "job work employer profession occupation",
    "kid child children",
    "trip journey",
    "parcel package packet shipment",
    "link url website site webpage address web",
    "todo task chore",
    "lift elevator",
    "level floor storey",
    "expire expiry expiration exp mhd",
    "author writer written",
    "brand maker manufacturer make made",
    "total sum amount",
    "dose dosage strength strong",
    "photo picture image",
    "live reside",
    "talk speak discuss mention say tell",
    "receipt bill invoice",
    "glasses spectacles",
    "specs spectacles",
    "purse wallet",
    "key keys",
    "locker locked lock",
    "kind type sort",
    "hot warm",
    "present gift",
    "class course lesson",
    "couch sofa",
    "autumn fall",
    "like love enjoy favourite favorite prefer",
    "favourite favorite",
    "colour color",
    "lose lost missing misplace",
    "lend lent borrow borrowed give gave",
    "park parked parking",
    "snack snacks",
    "wear wore wearing clothes",
)

KINDS: Mapping[str, str] = {
    "medicine": "mg ibuprofen paracetamol aspirin lisinopril metformin antibiotic amoxicillin omeprazole atorvastatin"
    " insulin syrup ointment vitamin prescription dose cetirizine loratadine naproxen simvastatin amlodipine losartan"
    " levothyroxine sertraline diclofenac pantoprazole bisoprolol ramipril",
    "spread": "butter jam marmalade honey nutella margarine hummus paste cream cheese tahini",
    "jar": "butter jam marmalade honey nutella pickles sauce paste mayonnaise mustard olives",
    "food": "butter jam honey bread cheese milk pasta rice soup meat fish fruit vegetable cereal biscuit chocolate cookie"
    " sauce yoghurt yogurt salad sandwich pizza cake peanut egg muesli granola oat beans lentils crackers chips",
    "snack": "chips crisps cookie biscuit nuts chocolate banana crackers bar popcorn peanut muffin croissant",
    "drink": "coffee tea water juice milk lemonade beer wine cola soda smoothie espresso cappuccino",
    "fruit": "apple banana orange pear grape strawberry cherry lemon mango peach plum kiwi melon",
    "station": "platform train track rail railway gleis departure bus metro underground",
    "train": "platform track rail railway station intercity gleis",
    "rail": "platform train track station",
    "flight": "gate boarding terminal airport airline plane airplane",
    "plane": "gate boarding terminal airport airline flight",
    "airport": "gate boarding terminal flight departure airline",
    "dentist": "dental teeth",
    "doctor": "dr cardiology dentist physician surgery clinic practice gp dermatology paediatrics",
    "appointment": "dentist doctor haircut hairdresser optician physio therapist dermatologist cardiologist"
    " calendar schedule checkup vet barber",
    "link": "http https www com org net",
    "password": "wifi wlan key pin pass pw passwort code login",
    "phone": "tel call mobile",
    "wifi": "ssid network wlan",
    "internet": "wifi wlan network",
    "network": "wifi wlan ssid",
    "sport": "football tennis yoga swimming running gym volleyball basketball cycling hockey",
    "relative": "sister brother mother father aunt uncle cousin grandmother grandfather",
    "weekday": "monday tuesday wednesday thursday friday",
    "weekend": "saturday sunday",
    "close": "open opening hours until",
    "closing": "open opening hours until",
    "shopping": "buy groceries",
    "day": "monday tuesday wednesday thursday friday saturday sunday",
    "month": "january february march april may june july august september october november december",
    "colour": "red green blue yellow orange purple violet pink brown black white grey gray beige",
    "room": "kitchen bathroom bedroom office garage cellar attic balcony garden hall library",
    "flavour": "vanilla chocolate strawberry raspberry lemon mint caramel",
    "family": "sister brother mother father son daughter aunt uncle cousin grandmother grandfather wife husband parents",
    "pet": "dog cat rabbit hamster parrot fish",
    "animal": "dog cat rabbit hamster parrot fish horse bird cow sheep pig",
    "vehicle": "car bike bus train van truck motorcycle",
    "clothes": "jacket shirt t-shirt trousers jeans sweater coat dress skirt hat shoes scarf shorts",
    "clothing": "jacket shirt t-shirt trousers jeans sweater coat dress skirt hat shoes scarf shorts",
    "meal": "breakfast lunch dinner brunch supper",
    "eat": "breakfast lunch dinner brunch supper food restaurant pizza pasta",
    "shop": "supermarket bakery pharmacy butcher florist bookshop kiosk market boutique",
    "restaurant": "pizzeria trattoria bistro diner menu sushi",
    "menu": "coffee tea pizza pasta soup salad",
    "people": "face person",
    "person": "face",
    "opening": "open hours",
    "hour": "open opening monday tuesday wednesday thursday friday saturday sunday",
    "sale": "discount off reduced %",
    "code": "qr pin barcode",
    "barcode": "ean bar",
    "number": "no nr",
    "park": "garage bay deck parking",
    "school": "college academy university kindergarten nursery",
    "party": "birthday celebration",
    "event": "concert party festival meeting exhibition lecture match show talk workshop",
    "concert": "band orchestra live music",
    "music": "concert song band album orchestra",
}


class Lexicon:
    """The tables with their words stemmed by ``stem``."""

    def __init__(self, stem: Callable[[str], str]) -> None:
        self._same: dict[str, set[str]] = {}
        for line in SYNONYMS:
            group = {stem(word) for word in line.split()}
            for word in group:
                self._same.setdefault(word, set()).update(group)
        self._members: dict[str, set[str]] = {}
        for kind, members in KINDS.items():  # "shop" and "shopping" have one stem
            self._members.setdefault(stem(kind), {stem(kind)}).update(stem(member) for member in members.split())
        self._kinds = [members - {kind} for kind, members in self._members.items()]

    def rivals(self, one: str, other: str) -> bool:
        """True for two stems of one kind, which exclude each other: son and daughter, tea and coffee."""
        return one != other and any(one in kind and other in kind for kind in self._kinds)

    def related(self, stem: str) -> frozenset[str]:
        """Stems that a question's ``stem`` may be answered by, itself included."""
        same = self._same.get(stem, {stem})
        kinds = (self._members.get(word, set()) for word in same)
        return frozenset(same.union({stem}, *kinds))
