"""What one subtitle says and who says it: markup away, speakers named.

Follows the cue payload of WebVTT (W3C, section 4.2.2) and the habits of SubRip files. The text comes
from the world: it is cut to a bounded length and never interpreted.
"""

from __future__ import annotations

import html
import re

MAX_TEXT = 1000
"""Characters kept of one cue."""
MAX_SPEAKER = 40

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,200})>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z0-9_.:-]+(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ASS_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_DASH = re.compile(r"^(?:-|–|—|&gt;&gt;|>>)\s*")
_NAMED = re.compile(r"^((?:[^\W\d_][\w.'’-]*)(?:\s[^\W\d_][\w.'’-]*){0,2})\s?:\s+(?=\S)")
_NO_NAME = frozenset(
    "answer attention careful caution danger example important info lyrics music narrator's note notice ps question "
    "remember reminder subtitles time tip today todo tomorrow translation warning yesterday".split()
)
"""Words before a colon that name no speaker."""


def said(payload: str) -> list[tuple[str | None, str]]:
    """The (speaker, text) parts of a cue's payload, in order; no empty texts.

    A speaker is what ``<v Name>`` says, or a capitalised ``Name:`` of at most three words at the start
    of a line. A line without a speaker goes on with the one before.
    """
    parts: list[tuple[str | None, str]] = []
    for voice, stretch in _voices(_ASS_OVERRIDE.sub("", payload[: MAX_TEXT * 4])):
        parts.extend(_lines(voice, stretch))
    left = MAX_TEXT
    kept: list[tuple[str | None, str]] = []
    for speaker, text in parts:
        if left <= 0:
            break
        kept.append((speaker, text[:left].rstrip()))
        left -= len(text)
    return kept


def of_ass(event: str) -> str:
    """The text field of an ASS event line as FFmpeg decodes it (ReadOrder,Layer,Style,Name,…,Text)."""
    fields = event.split(",", 8)
    text = fields[8] if len(fields) == 9 else event
    return text.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", " ")


def _voices(payload: str) -> list[tuple[str | None, str]]:
    """Split at WebVTT voice tags."""
    pieces = _VOICE.split(payload)
    found: list[tuple[str | None, str]] = [(None, pieces[0])]
    found += [(_clean(name)[:MAX_SPEAKER] or None, text) for name, text in zip(pieces[1::2], pieces[2::2], strict=True)]
    return found


def _lines(voice: str | None, stretch: str) -> list[tuple[str | None, str]]:
    parts: list[tuple[str | None, str]] = []
    for raw in stretch.splitlines():
        line = _DASH.sub("", raw.strip())
        text = _clean(line)
        speaker = voice
        if voice is None and (name := _speaker(text)):
            speaker, text = name, _NAMED.sub("", text, count=1)
        if not text:
            continue
        new_turn = line != raw.strip()
        if parts and (speaker is None or speaker == parts[-1][0]) and not (new_turn and speaker is None):
            parts[-1] = (parts[-1][0], f"{parts[-1][1]} {text}")
        else:
            parts.append((speaker, text))
    return parts


def _speaker(text: str) -> str | None:
    match = _NAMED.match(text)
    if match is None:
        return None
    name = match[1]
    words = name.split()
    if len(name) > MAX_SPEAKER or not all(word[0].isupper() for word in words):
        return None
    return None if any(word.casefold() in _NO_NAME for word in words) else name


def _clean(text: str) -> str:
    """Tags and entities away, white space and control characters to single spaces."""
    plain = html.unescape(_TAG.sub("", text))
    return " ".join("".join(c if c.isprintable() else " " for c in plain if c not in "\u200e\u200f\ufeff").split())
