"""The picture of a session in the README: what the real command printed, as SVG.

``python -m perstream.lab.session_picture`` watches the sample day, asks questions, and writes
docs/session.svg and the excerpt in README.md's place for it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "sample_videos"
COLUMNS, ROW_PX, COLUMN_PX, PAD_PX = 80, 19, 8.43, 18
COLORS = {"31": "#f2777a", "32": "#99cc99", "33": "#ffcc66", "35": "#dd99cc", "36": "#66cccc"}
INK, PAPER, FAINT = "#e8e6e3", "#1d1f21", "#8a8d91"
_SGR = re.compile(r"\x1b\[([\d;]*)m")


def main() -> None:
    """Write docs/session.svg."""
    truth = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))
    questions = [q["question"] for q in truth["questions"] if q["kind"] != "time seen"][:3]
    questions += [q["question"] for q in truth["unanswerable"]][:1]
    lines = list(_session(truth["start_time"], questions))
    picture = draw(["\x1b[1m$ bash scripts/perstream.sh\x1b[0m", *_excerpt(lines)])
    (ROOT / "docs" / "session.svg").write_text(picture, encoding="utf-8")
    print(f"wrote docs/session.svg: {len(lines)} lines printed, an excerpt shown")


def _session(start: str, questions: Sequence[str]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as store:
        command = [sys.executable, "-m", "perstream", "watch", str(SAMPLE / "day.mp4"), "--store", store]
        command += ["--facts", str(SAMPLE / "profile.txt"), "--start-time", start, "--no-prompt"]
        for question in questions:
            command += ["--ask", question]
        environment = os.environ | {"COLUMNS": str(COLUMNS), "FORCE_COLOR": "1", "TZ": "UTC"}
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    yield from ran.stdout.splitlines()


def _excerpt(lines: Sequence[str]) -> Iterator[str]:
    """The first word said unasked with the keyframe before and the memory after it, the end, the answers."""
    plain = [_SGR.sub("", line) for line in lines]
    said = next(i for i, line in enumerate(plain) if "▶" in line)
    first = max(i for i in range(said) if "●" in plain[i])
    last = next(i for i in range(said + 1, len(plain)) if "◆" in plain[i])
    done = next(i for i, line in enumerate(plain) if "■" in line)
    yield from lines[first : last + 5]
    yield "     ⋮"
    yield from lines[done:]


def draw(lines: Sequence[str]) -> str:
    """Terminal lines with SGR colours as SVG; nothing is fetched, the viewer's monospace font is used."""
    width, height = round(COLUMNS * COLUMN_PX + 2 * PAD_PX), len(lines) * ROW_PX + 2 * PAD_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="14" '
        f'font-family="ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace">',
        f'<rect width="{width}" height="{height}" rx="8" fill="{PAPER}"/>',
    ]
    for row, line in enumerate(lines):
        spans = "".join(f'<tspan style="{style}">{escape(text)}</tspan>' for text, style in _pieces(line) if text)
        y = PAD_PX + ROW_PX * row + 14
        parts.append(f'<text x="{PAD_PX}" y="{y}" fill="{INK}" xml:space="preserve">{spans}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _pieces(line: str) -> Iterator[tuple[str, str]]:
    """(text, CSS) for each run of one style."""
    style: list[str] = []
    position = 0
    for mark in _SGR.finditer(line):
        yield line[position : mark.start()], ";".join(style)
        position = mark.end()
        for code in mark[1].split(";"):
            if code in ("", "0"):
                style = []
            elif code == "1":
                style.append("font-weight:600")
            elif code == "2":
                style.append(f"fill:{FAINT}")
            elif code in COLORS:
                style.append(f"fill:{COLORS[code]}")
    yield line[position:], ";".join(style)


if __name__ == "__main__":
    main()
