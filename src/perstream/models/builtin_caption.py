"""The builtin captioner: says what was perceived, and nothing else.

What people ask about comes first (words read, codes, speech), scenery last. Every clause states one
measured observation; a clause whose observation is missing is left out. Texts from the world are
cleaned of control characters, cut, and only ever quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from perstream.models.blocks import one_line
from perstream.models.text import cleaned, joined
from perstream.observations import MIN_LETTERS, believed, merge_observations
from perstream.spelling import letters_in
from perstream.textblocks import possible_lines, text_blocks
from perstream.types import Caption, Moment, Observation, ObservationKind

MAX_CHARS = 900
"""A caption's length at most; clauses that do not fit are left out, the least useful first."""
MAX_QUOTE = 200
"""A quoted text's length at most."""
NOTHING = "A view in which nothing was recognised."
CLEAR = 0.95
"""A line that no second look confirmed is worth a memory of its own from this confidence: below it, what the camera
passes by on its way comes out doubled or in pieces ("88455-177440" for "8:45 - 17:40")."""

_LEADS = re.compile(
    r"(?:Text|Possibly|QR code|Bar code) read: \"|Heard: \"|[^\"]{1,60} said: \"|Speech was heard|At least (?:one|\d+) faces?"
    r"|Looks like the place seen|It is dark|The light is|Light: |It became|The camera was|Something moves|Colours: "
)
_TEXTS = re.compile(r'Text read: ("[^"]*"(?:; "[^"]*")*)\.')

_TELLING = frozenset(
    {
        ObservationKind.CODE,
        ObservationKind.PEOPLE,
        ObservationKind.SPEECH,
        ObservationKind.TRANSCRIPT,
        ObservationKind.SCENE,
    }
)
_LIGHT = {
    "dark": "It is dark.",
    "dim": "The light is dim.",
    "bright": "The light is bright.",
    "brighter": "It became brighter.",
    "darker": "It became darker.",
}


class BuiltinCaptioner:
    """Captioner: a grammar over observations, no model."""

    def caption(self, moment: Moment, cancelled: Callable[[], bool]) -> Caption:
        """Merge the percepts' observations and state them; takes well under a millisecond.

        The text is never empty. There are no observations when all that was made out are words that may well be wrong.
        """
        seen: list[Observation] = []
        for percept in moment.percepts:
            if cancelled():
                break
            seen.extend(percept.observations)
        merged = merge_observations(seen)
        text = caption_text(merged, moment.started_at, seen)
        return Caption(text=text, observations=() if _is_guess(merged) else merged)


def _is_guess(observations: Sequence[Observation]) -> bool:
    """Whether there are words, and all of them were read once and not clearly; nothing else tells of the moment."""
    if any(o.kind in _TELLING for o in observations):
        return False
    lines = [o for o in observations if o.kind is ObservationKind.TEXT and letters_in(o.text) >= MIN_LETTERS]
    return bool(lines) and not any(believed(line) or line.score >= CLEAR for line in lines)


def caption_text(observations: Sequence[Observation], started_at: datetime, looks: Sequence[Observation] = ()) -> str:
    """The sentences that state the merged ``observations`` of a moment that began at ``started_at``.

    ``looks`` are those of the single keyframes, where they are known: they tell which lines of text
    stood together.
    """
    sentences: list[str] = []
    length = 0
    for sentence in _clauses(observations, started_at, looks or observations):
        if length + len(sentence) > MAX_CHARS and sentences:
            continue
        sentences.append(sentence)
        length += len(sentence) + 1
    return " ".join(sentences) or NOTHING


def is_builtin_caption(text: str) -> bool:
    """True when a text begins like one that :func:`caption_text` made."""
    return text == NOTHING or bool(_LEADS.match(text))


def texts_stated(text: str) -> list[str]:
    """The believed texts of a caption, one per sign, label or page; quoted words cannot pretend to be one."""
    match = _TEXTS.search(text)
    return [part[1:-1] for part in match.group(1).split("; ")] if match else []


def quote(text: str) -> str:
    """A text from the world in quotation marks: one line, no control characters, cut."""
    inner = cleaned(text, MAX_QUOTE).replace('"', "'")
    return f'"{inner}"'


def _clauses(observations: Sequence[Observation], started_at: datetime, looks: Sequence[Observation]) -> Iterable[str]:
    of_kind: dict[ObservationKind, list[Observation]] = {}
    for observation in observations:
        if observation.text.strip() or observation.kind is ObservationKind.SPEECH:
            of_kind.setdefault(observation.kind, []).append(observation)
    sure = text_blocks(looks)
    if sure:
        yield "Text read: " + "; ".join(quote(one_line([line.text for line in block.lines])) for block in sure) + "."
    for code in of_kind.get(ObservationKind.CODE, []):
        yield f"{code_name(code.text)} read: {quote(code.text)}."
    yield from _heard(of_kind)
    doubtful = [line for line in possible_lines(looks) if letters_in(line.text) >= MIN_LETTERS]
    if doubtful:
        yield "Possibly read: " + "; ".join(quote(line.text) for line in doubtful) + "."
    faces = max((_count(people.text) for people in of_kind.get(ObservationKind.PEOPLE, [])), default=0)
    if faces:
        yield "At least one face seems visible." if faces == 1 else f"At least {faces} faces seem visible."
    for place in of_kind.get(ObservationKind.PLACE, [])[:1]:
        yield f"Looks like the place seen {_ago(place.text, started_at)}."
    yield from _scenery(of_kind)


def _heard(of_kind: dict[ObservationKind, list[Observation]]) -> Iterable[str]:
    words = of_kind.get(ObservationKind.TRANSCRIPT, [])
    previous: str | None = None
    for line in sorted(words, key=lambda o: o.start_s):
        who = cleaned(line.speaker or "", 60)
        if who and who == previous:
            yield _stopped(f"And: {quote(line.text)}")
        else:
            yield _stopped(f"{who} said: {quote(line.text)}" if who else f"Heard: {quote(line.text)}")
        previous = who
    speech = of_kind.get(ObservationKind.SPEECH, [])
    if speech and not words:
        yield "Speech was heard, the words are not known."


def _scenery(of_kind: dict[ObservationKind, list[Observation]]) -> Iterable[str]:
    for light in of_kind.get(ObservationKind.LIGHT, [])[:2]:
        yield _LIGHT.get(light.text.strip().lower(), f"Light: {cleaned(light.text, 30)}.")
    motions = [cleaned(m.text, 40).lower() for m in of_kind.get(ObservationKind.MOTION, [])]
    camera = [m for m in motions if not m.startswith("something")]
    if camera:
        yield f"The camera was {joined(list(dict.fromkeys(camera))[:3])}."
    if len(camera) < len(motions):
        yield "Something moves in view."
    names: list[str] = []
    for color in of_kind.get(ObservationKind.COLOR, []):
        names += [cleaned(n, 20).lower() for n in color.text.split(",") if n.strip()]
    colors = list(dict.fromkeys(names))[:3]
    if colors:
        yield f"Colours: {joined(colors)}."


def code_name(text: str) -> str:
    """``Bar code`` for a product number (EAN-8, UPC, EAN-13), else ``QR code``."""
    digits = text.strip()
    return "Bar code" if digits.isdigit() and len(digits) in (8, 12, 13) else "QR code"


def _stopped(clause: str) -> str:
    """A full stop, unless the quoted words end with one."""
    return clause if clause.endswith(('."', '!"', '?"', '…"')) else f"{clause}."


def _count(text: str) -> int:
    digits = text.strip()
    return int(digits) if digits.isdigit() and len(digits) < 4 else 0


def _ago(earlier: str, started_at: datetime) -> str:
    """How long before, in words; the observation's text is an ISO time."""
    try:
        then = datetime.fromisoformat(earlier.strip())
        seconds = (started_at - then).total_seconds()
    except (ValueError, TypeError):
        return "before"
    if seconds < 90:
        return "a moment before"
    if seconds < 5400:
        return f"{round(seconds / 60)} minutes before"
    if seconds < 36 * 3600:
        return f"{round(seconds / 3600)} hours before"
    return f"{round(seconds / 86400)} days before"
