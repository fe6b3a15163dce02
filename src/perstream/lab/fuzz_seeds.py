"""Good input to be damaged: one small example of everything that is read from the world."""

from __future__ import annotations

import io
import json
import random
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from perstream.config import MemoryConfig
from perstream.lab.kill_writer import embed, seen, told
from perstream.memory.memory import Memory

FRAMES, SIDE, RATE_HZ = 12, 48, 16_000
CONTAINERS = ("mp4", "matroska", "mpegts", "avi", "webm", "gif", "flv")
CODECS = {"webm": "libvpx", "gif": "gif", "avi": "mpeg4"}
PICTURES = (".jpg", ".png", ".webp", ".bmp", ".tiff", ".ppm")
SUBTITLES = """WEBVTT

00:00:00.000 --> 00:00:00.400
<v Anna>Platform 4 &amp; a <b>sign</b>

1
00:00:00,500 --> 00:00:01,000
Ben: hello
"""
SETTINGS = """store = "x"
owner = "Anna"
[gate]
gamma_threshold = 0.4
[privacy]
masks = ["*=0 0 0.5 0.5"]
retention = ["*=365d", "source:webcam:0=12h"]
[server]
port = 0
[delivery]
webhook = "https://example.org/x"
"""
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1@x\r\nDTSTAMP:20260101T000000Z\r\n"
    "DTSTART;TZID=Europe/Vienna:20260601T090000\r\nDTEND:20260601T100000Z\r\nRRULE:FREQ=WEEKLY;COUNT=5;BYDAY=MO\r\n"
    "EXDATE:20260608T090000\r\nSUMMARY:Dentist\r\nLOCATION:Vienna\r\nBEGIN:VALARM\r\nTRIGGER:-PT15M\r\nACTION:DISPLAY\r\n"
    "DESCRIPTION:x\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
CONTACTS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Meier;Anna;;;\r\nFN:Anna Meier\r\nTEL;TYPE=CELL:+43 1 234\r\nBDAY:1990-05-04\r\n"
    "EMAIL:anna@example.org\r\nADR:;;Street 1;Vienna;;1010;Austria\r\nNOTE:a\\nb\r\nEND:VCARD\r\n"
)
NOTES = "---\ndate: 2026-05-04\ntags: [a, b]\n---\n# Trip\n\n- [ ] Buy oranges 📅 2026-06-01\n- Anna likes [[tea|green tea]]\n\n> quote\n"
MEM0 = json.dumps(
    {"results": [{"id": "1", "memory": "Likes tea", "user_id": "a", "created_at": "2026-05-04T10:00:00Z"}]}
)
CHATGPT = json.dumps([{"title": "x", "mapping": {"a": {"message": {"content": {"parts": ["hi"]}}}}}])
CLAUDE = json.dumps({"conversations_memory": "**Work**\nAnna is a teacher\n- likes tea"})


def video(container: str) -> bytes:
    """A short film with a moving bar, sound, and subtitles where the container has them."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as film:
        stream = film.add_stream(CODECS.get(container, "libx264"), rate=10)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "rgb8" if container == "gif" else "yuv420p"
        sound = (
            film.add_stream("libopus" if container == "webm" else "aac", rate=RATE_HZ) if container != "gif" else None
        )
        for number in range(FRAMES):
            rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
            rgb[:, number * 4 : number * 4 + 4] = 200
            film.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        film.mux(stream.encode(None))
        if sound is not None:
            wave = (np.sin(np.arange(16_000) / 20) * 8000).astype(np.int16).reshape(1, -1)
            chunk = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            chunk.sample_rate, chunk.time_base, chunk.pts = 16_000, Fraction(1, 16_000), 0
            film.mux(sound.encode(chunk))
            film.mux(sound.encode(None))
    return out.getvalue()


def picture(suffix: str) -> bytes:
    """A small one with edges."""
    rgb = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    return bytes(cv2.imencode(suffix, rgb)[1])


def pushed() -> bytes:
    """What a browser sends: a kind, a time, a picture."""
    return struct.pack("<Bd", 1, 12.5) + picture(".jpg")


def store(folder: Path, memories: int = 30) -> None:
    """A small memory store, closed in good order."""
    with Memory.open(folder, MemoryConfig(), embed) as memory:
        jpeg = picture(".jpg")
        memory.remember_all([told(n) if n % 5 == 0 else replace(seen(n), thumbnail=jpeg) for n in range(1, memories)])


def exported(folder: Path) -> bytes:
    """Its export."""
    out = io.BytesIO()
    with Memory.open(folder, MemoryConfig(), embed) as memory:
        memory.exchange.export(out)
    return out.getvalue()


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Some of what goes wrong with data: bits, cuts, pieces twice or elsewhere, numbers at their limits, noise."""
    kind = rng.random()
    if kind < 0.05:
        return rng.randbytes(rng.randrange(2000))
    if kind < 0.15:
        return data[: rng.randrange(len(data) + 1)]
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16, 64))):
        if not out:
            break
        at, span = rng.randrange(len(out)), rng.choice((1, 2, 4, 8, 32))
        what = rng.randrange(6)
        if what == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            out[at : at + span] = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80", b'"', b"9")) * span
        elif what == 2:
            del out[at : at + span]
        elif what == 3:
            out[at:at] = out[(start := rng.randrange(len(out))) : start + span * 8]
        elif what == 4:
            out[at : at + span] = rng.randbytes(span)
        else:
            out[at:at] = rng.choice(TOKENS)
    return bytes(out)


TOKENS = (
    *(b"\x00", b"-1", b"1e999", b"NaN", b"null", b"99999999999999999999", b"{}", b"[", b'"', b"\r\n", b"\xed\xa0\x80"),
    *(
        "İ".encode(),
        "\u202e".encode(),
        "\ufeff".encode(),
        b"%s%n",
        b"../",
        b"\\u0000",
        b"\\ud800",
        b"T24:61:61",
        b"[" * 900,
    ),
)
"""Bits of text that parsers have stumbled over."""
