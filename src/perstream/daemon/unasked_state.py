"""What is said and not said these days; light to import, so that a client can speak of it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perstream.speech import Considered, Topic


@dataclass(frozen=True)
class SpeechState:
    """A snapshot."""

    words: tuple[Considered, ...]
    """Words and silences, newest first."""
    silences: Mapping[str, int] = field(default_factory=dict)
    """How often something was held back since the start, by reason."""
    do_not_disturb: bool = False
    snoozed: tuple[Topic, ...] = ()
    """The topic "" stands for everything."""
