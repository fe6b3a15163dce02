"""Foods by the allergens they contain, as a label would name them.

The families are the fourteen of Regulation (EU) No 1169/2011, Annex II; the members are everyday
words for foods that contain them. Data, not code: a longer list is a better list.
"""

from __future__ import annotations

from collections.abc import Mapping

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "peanut": ("peanut", "groundnut", "satay"),
    "nut": (
        "nut",
        "almond",
        "hazelnut",
        "walnut",
        "cashew",
        "pecan",
        "pistachio",
        "macadamia",
        "praline",
        "marzipan",
        "nougat",
        "peanut",
    ),
    "milk": (
        "milk",
        "cheese",
        "cream",
        "yoghurt",
        "yogurt",
        "whey",
        "lactose",
        "kefir",
        "custard",
        "mozzarella",
        "cheddar",
        "parmesan",
    ),
    "gluten": (
        "gluten",
        "wheat",
        "barley",
        "rye",
        "spelt",
        "flour",
        "bread",
        "pasta",
        "noodle",
        "couscous",
        "bulgur",
        "semolina",
    ),
    "shellfish": (
        "shellfish",
        "shrimp",
        "prawn",
        "crab",
        "lobster",
        "crayfish",
        "scampi",
        "mussel",
        "oyster",
        "clam",
        "scallop",
    ),
    "fish": ("fish", "salmon", "tuna", "cod", "anchovy", "sardine", "mackerel", "trout", "herring"),
    "egg": ("egg", "mayonnaise", "meringue", "omelette"),
    "soy": ("soy", "soya", "tofu", "tempeh", "edamame", "miso"),
    "sesame": ("sesame", "tahini", "halva", "hummus"),
    "mustard": ("mustard",),
    "celery": ("celery", "celeriac"),
    "lupin": ("lupin",),
    "sulphite": ("sulphite", "sulfite", "wine"),
}
"""Allergen -> words on labels."""

SYNONYMS: Mapping[str, str] = {
    "lactose": "milk",
    "dairy": "milk",
    "coeliac": "gluten",
    "celiac": "gluten",
    "wheat": "gluten",
    "crustacean": "shellfish",
    "mollusc": "shellfish",
    "seafood": "shellfish",
    "soya": "soy",
    "groundnut": "peanut",
    "treenut": "nut",
}
"""Other names of the families."""

PLANT_PRECEDES = ("peanut", "cocoa", "shea", "almond", "coconut", "oat", "soy", "soya", "rice", "hazelnut", "cashew")
"""``almond milk`` and ``coconut cream`` hold no milk: the word before says so."""
