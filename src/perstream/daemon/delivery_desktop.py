"""Desktop notifications by the program that the system has for them."""

from __future__ import annotations

import html
from pathlib import PurePath

from perstream.daemon.alert_rules import URGENT
from perstream.daemon.delivery import Word
from perstream.daemon.delivery_programs import first_of, plain, run
from perstream.events import AlertRaised

PROGRAMS = ("notify-send", "osascript", "powershell")
TIMEOUT_S = 10.0
_APPLE = 'on run argv\ndisplay notification (item 2 of argv) with title "PerStream" subtitle (item 1 of argv)\nend run'
_WINDOWS = (
    "Add-Type -AssemblyName System.Windows.Forms, System.Drawing; $n = New-Object System.Windows.Forms.NotifyIcon; "
    "$n.Icon = [System.Drawing.SystemIcons]::Information; $n.Visible = $true; "
    "$n.ShowBalloonTip(8000, 'PerStream', $env:PERSTREAM_WORD, 'Info'); Start-Sleep -Seconds 8; $n.Dispose()"
)


class DesktopChannel:
    """Shows a word and why it comes now."""

    name = "desktop"

    def __init__(self, program: str) -> None:
        """``program`` is the path of one of PROGRAMS."""
        self._program = program

    @staticmethod
    def find() -> DesktopChannel | None:
        """None where the system has no way that is known."""
        program = first_of(PROGRAMS)
        return DesktopChannel(program) if program else None

    def deliver(self, word: Word) -> None:
        """Raises DeliveryFailed."""
        text, why = plain(word.text), plain(f"PerStream: {word.rule}" if isinstance(word, AlertRaised) else word.why)
        kind = PurePath(self._program).stem.lower()
        if kind == "notify-send":  # the body may hold mark-up, which a text from the world must not
            critical = word.rule in URGENT if isinstance(word, AlertRaised) else word.priority >= 3
            urgency = "critical" if critical else "normal"
            body = html.escape(why, quote=False)
            run([self._program, "--app-name=PerStream", f"--urgency={urgency}", "--", text, body], TIMEOUT_S)
        elif kind == "osascript":
            run([self._program, "-e", _APPLE, text, why], TIMEOUT_S)
        else:
            arguments = [self._program, "-NoProfile", "-NonInteractive", "-Command", _WINDOWS]
            run(arguments, TIMEOUT_S + 10, more={"PERSTREAM_WORD": text})
