"""The pools that a day draws its words from. Only the generator reads them."""

from __future__ import annotations

PEOPLE = (
    "Anna", "Ben", "Clara", "Daniel", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Karim", "Lena", "Marta",
    "Nils", "Olga", "Pavel", "Rosa", "Stefan", "Tara", "Viktor", "Wanda", "Yusuf",
)  # fmt: skip
SURNAMES = (
    "Albers", "Brandt", "Castell", "Duran", "Eriksen", "Fontana", "Garner", "Holm", "Ivanov", "Jansen", "Keller",
    "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quinn", "Rossi", "Sandoval", "Tanaka", "Ulrich", "Weber",
)  # fmt: skip
CITIES = (
    "Lisbon", "Hamburg", "Vienna", "Oslo", "Turin", "Leeds", "Bristol", "Geneva", "Porto", "Prague", "Gdansk",
    "Antwerp", "Seville", "Malmo", "Dresden", "Nantes", "Utrecht", "Bologna", "Cardiff", "Salzburg",
)  # fmt: skip
MEDICINES = (
    "IBUPROFEN", "METFORMIN", "RAMIPRIL", "CETIRIZINE", "LORATADINE", "OMEPRAZOLE", "BISOPROLOL", "RAMELTEON",
    "SIMVASTATIN", "PARACETAMOL", "NAPROXEN", "LEVOTHYROXINE", "ATENOLOL", "DOXYCYCLINE",
)  # fmt: skip
DOSES = (5, 10, 20, 25, 40, 50, 75, 100, 200, 250, 400, 500, 850)
FOODS = (  # (allergen as a person tells it, label)
    ("peanuts", "PEANUT BUTTER"), ("peanuts", "ROASTED PEANUTS"), ("hazelnuts", "HAZELNUT SPREAD"),
    ("almonds", "ALMOND COOKIES"), ("walnuts", "WALNUT CAKE"), ("sesame", "SESAME CRACKERS"),
    ("strawberries", "STRAWBERRY JAM"), ("milk", "MILK CHOCOLATE"), ("mustard", "DIJON MUSTARD"),
    ("soy", "SOY SAUCE"), ("eggs", "EGG NOODLES"), ("celery", "CELERY SOUP"), ("cashews", "SALTED CASHEWS"),
    ("coconut", "COCONUT WATER"), ("honey", "FOREST HONEY"), ("tomatoes", "TOMATO PASSATA"),
)  # fmt: skip
PLAIN_FOODS = (
    "ROLLED OATS", "GREEN TEA", "OLIVE OIL", "SEA SALT", "APPLE JUICE", "BROWN RICE", "RED LENTILS", "GROUND COFFEE",
    "MAPLE SYRUP", "ORANGE MARMALADE", "CHICKPEAS", "SPARKLING WATER",
)  # fmt: skip
NEVER_EATEN = ("shellfish", "kiwi", "latex", "bee stings", "lupin", "oysters", "mango", "cat hair")
MAKERS = ("NORDHOF", "CASA VERDE", "MILLBROOK", "OAKFIELD", "LUMA", "SUNDALE", "BRIGHTON & CO", "ALPINA")
DOCTORS = ("DENTIST", "EYE DOCTOR", "HAIRDRESSER", "PHYSIOTHERAPY", "VACCINATION", "TAX ADVISER", "VET", "BLOOD TEST")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
TASKS = (
    ("Call the plumber", "plumber"), ("Order new toner", "toner"), ("Book the ferry", "ferry"),
    ("Send the invoice", "invoice"), ("Print the posters", "posters"), ("Review the budget", "budget"),
    ("Water the plants", "plants"), ("Renew the insurance", "insurance"), ("Fix the projector", "projector"),
    ("Update the website", "website"), ("Test the backup", "backup"), ("Clean the lab", "lab"),
)  # fmt: skip
GROCERIES = (
    "oranges", "lemons", "onions", "carrots", "bananas", "avocados", "peppers", "candles", "batteries", "mushrooms",
)  # fmt: skip
BOOKS = (
    "THE SILENT HARBOUR", "RIVERS OF GLASS", "A WINTER IN TRIESTE", "THE CLOCKMAKER", "NIGHT TRAINS", "SALT AND STONE",
    "THE LAST ORCHARD", "LETTERS TO MIRA", "BIRDS OF THE NORTH", "THE PAPER BRIDGE",
)  # fmt: skip
CONCERTS = (
    "JAZZ NIGHT", "SPRING CONCERT", "FLEA MARKET", "CITY MARATHON", "OPEN AIR CINEMA", "POTTERY FAIR", "CHOIR EVENING",
    "CHESS TOURNAMENT", "BOOK FESTIVAL", "WINE TASTING",
)  # fmt: skip
VENUES = ("TOWN HALL", "RIVERSIDE PARK", "OLD BREWERY", "MARKET SQUARE", "CASTLE GARDEN", "HARBOUR STAGE")
COURIERS = ("NORDPOST", "QUICKSHIP", "BLUE ARROW", "CITYPARCEL", "SWIFTBOX", "PONYMAIL")
STREETS = ("Mill Lane", "Harbour Street", "Garden Row", "Station Road", "Castle Hill", "Elm Avenue", "Bridge Street")
SHOPS = (  # (sign, as a person says it, what could be bought there)
    ("BAKERY", "a bakery", ("rye bread", "croissants")), ("POST OFFICE", "a post office", ("stamps", "envelopes")),
    ("FLORIST", "a florist", ("tulips", "a bunch of roses")), ("HARDWARE", "a hardware shop", ("screws", "a hammer")),
    ("STATIONERY", "a stationery shop", ("ink cartridges", "a notebook")), ("OPTICIAN", "an optician", ("lens wipes",)),
    ("BICYCLE SHOP", "a bicycle shop", ("an inner tube", "a bell")), ("GARDEN SHOP", "a garden shop", ("potting soil",)),
    ("TOY SHOP", "a toy shop", ("a puzzle", "a kite")), ("TAILOR", "a tailor", ("buttons",)),
)  # fmt: skip
NETWORKS = ("FoxDen", "Maple-Guest", "Atlas Home", "BlueRoom", "Corner5G", "Lighthouse", "Sunroom")
PASSWORDS = ("sunny-otter", "green-tulip", "copper-moon", "paper-crane", "quiet-river", "velvet-plum", "amber-wolf")
SITES = ("menu", "tickets", "survey", "guide", "booking", "events", "loan", "rules")
HOSTS = ("cafe-linde.example", "city-lib.example", "moveon.example", "fairgrounds.example", "riverbus.example")
