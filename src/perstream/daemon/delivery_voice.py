"""Words spoken by the voice that the system has."""

from __future__ import annotations

from pathlib import PurePath

from perstream.daemon.delivery import Word
from perstream.daemon.delivery_programs import first_of, plain, run

PROGRAMS = ("espeak-ng", "espeak", "spd-say", "say", "powershell")
TIMEOUT_S = 40.0
"""Four hundred characters take some thirty seconds."""
_WINDOWS = "Add-Type -AssemblyName System.Speech; (New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak($env:PERSTREAM_WORD)"
_ARGUMENTS = {"espeak-ng": ["--stdin"], "espeak": ["--stdin"], "say": ["-f", "-"]}


class VoiceChannel:
    """Says a word, one after another."""

    name = "voice"

    def __init__(self, program: str) -> None:
        """``program`` is the path of one of PROGRAMS."""
        self._program = program

    @staticmethod
    def find() -> VoiceChannel | None:
        """None where the system has no voice that is known."""
        program = first_of(PROGRAMS)
        return VoiceChannel(program) if program else None

    def deliver(self, word: Word) -> None:
        """Raises DeliveryFailed."""
        text = plain(word.text)
        kind = PurePath(self._program).stem.lower()
        if kind in _ARGUMENTS:
            run([self._program, *_ARGUMENTS[kind]], TIMEOUT_S, text=text)
        elif kind == "spd-say":
            run([self._program, "--wait", "--", text], TIMEOUT_S)
        else:
            command = [self._program, "-NoProfile", "-NonInteractive", "-Command", _WINDOWS]
            run(command, TIMEOUT_S, more={"PERSTREAM_WORD": text})
