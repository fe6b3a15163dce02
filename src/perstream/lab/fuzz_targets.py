"""What is fed with damaged input, each a function of bytes that may raise errors of the tree and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import io
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any, cast

from perstream.config import MemoryConfig, SourceConfig
from perstream.errors import PerStreamError
from perstream.imports import formats
from perstream.lab import fuzz_seeds as seeds
from perstream.lab.kill_writer import embed, vectors
from perstream.memory.memory import Memory
from perstream.settings import load
from perstream.sources import PushSource, open_source
from perstream.sources.transcript import read_sidecar
from perstream.sources.wire import WireError, receive, unpack_frame
from perstream.types import Query
from perstream.web.keys import Keys
from perstream.web.push_routes import _Session

NOON = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)
MOST_ITEMS = 2000
Target = Callable[[bytes, Path], None]
"""Takes the data and an empty folder. Anything but a PerStreamError is a finding; so is not coming back."""


class Overwritten(AssertionError):
    """A file that could not be opened was changed."""


def watched(suffix: str, data: bytes, folder: Path) -> None:
    """A file is watched to its end."""
    path = folder / f"x{suffix}"
    path.write_bytes(data)
    source = open_source(str(path), SourceConfig())
    try:
        for item in itertools.islice(source.stream(), MOST_ITEMS):
            picture = getattr(item, "picture", None)
            if picture is not None:
                picture.gray(64) if hasattr(picture, "gray") else None
    finally:
        source.close()


def transcript(suffix: str, data: bytes, folder: Path) -> None:
    """Subtitles beside a film."""
    (folder / f"x{suffix}").write_bytes(data)
    read_sidecar(folder / "x.mp4", "x")


def wire(data: bytes, _: Path) -> None:
    """Messages of a reader process, which chews on what a network sends; its own errors are caught where it is read."""
    pipe = io.BytesIO(data)
    try:
        while (message := receive(pipe)) is not None:
            unpack_frame(*message)
    except (OSError, KeyError, TypeError, ValueError, WireError):
        return


class _Deaf:
    """A socket that takes answers."""

    async def send_json(self, _: Any) -> None:
        """Nobody reads it."""


def push(data: bytes, _: Path) -> None:
    """A message of a browser's camera, binary or text."""
    session = _Session(cast(Any, _Deaf()), PushSource("x", capacity=8))

    async def take() -> None:
        await (session._take(data) if data[:1] != b"{" else session._told(data.decode("latin-1")))

    asyncio.run(take())


def settings(data: bytes, folder: Path) -> None:
    """A settings file, and its lines as the environment's values."""
    path = folder / "perstream.toml"
    path.write_bytes(data)
    values = data.decode("latin-1").replace("\0", "").splitlines() or [""]
    names = ("PERSTREAM_GATE_GAMMA_THRESHOLD", "PERSTREAM_PRIVACY_MASKS", "PERSTREAM_SERVER_PORT", "PERSTREAM_STORE")
    with suppress(PerStreamError):
        load(None, dict(zip(names, values, strict=False)))
    load(path, {})


def keys(name: str, data: bytes, folder: Path) -> None:
    """Files that say who may come in: nobody does by accident."""
    (folder / name).write_bytes(data)
    known = Keys(folder)
    for given in (b"", b"null", b"\xff", data[:100] if name != "token" else b"x"):
        if known.scope(given) is not None:
            raise AssertionError(f"{given!r} was let in")


def imported(name: str, suffix: str, data: bytes, folder: Path) -> None:
    """A file of another program."""
    path = folder / f"x{suffix}"
    path.write_bytes(data)
    formats.detect(path)
    for _ in itertools.islice(formats.read(name, path, NOON), MOST_ITEMS):
        pass


def exchange(data: bytes, folder: Path) -> None:
    """An export of a store is taken in; what remains is a sound store."""
    with Memory.open(folder, MemoryConfig(), embed) as memory:
        try:
            memory.exchange.import_from(io.BytesIO(data), vectors)
        finally:
            memory.audit()
            memory.status()


def opened(name: str, data: bytes, folder: Path) -> None:
    """A store of which one file was damaged: opened and used, or refused and left as it is."""
    seeds.store(folder)
    (folder / name).write_bytes(data)
    before = _digest(folder / "memory.db")
    try:
        memory = open_store(folder)
    except PerStreamError:
        if name == "memory.db" and _digest(folder / "memory.db") != before:
            raise Overwritten("memory.db was changed although it could not be opened") from None
        raise
    with memory:
        memory.status()
        memory.list(limit=10)
        memory.recall(Query("thing 3", vectors("thing 3"), NOON))
        memory.audit()


def open_store(folder: Path) -> Memory:
    """As the daemon does."""
    return Memory.open(folder, MemoryConfig(), embed)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def all_targets(folder: Path) -> Mapping[str, tuple[Target, bytes]]:
    """Name -> (target, seed); ``folder`` is empty, and used to make the seeds."""
    found: dict[str, tuple[Target, bytes]] = {}
    for container in seeds.CONTAINERS:
        found[f"video.{container}"] = (partial(watched, f".{container}"), seeds.video(container))
    for suffix in seeds.PICTURES:
        found[f"picture{suffix}"] = (partial(watched, suffix), seeds.picture(suffix))
    for suffix in (".srt", ".vtt"):
        found[f"transcript{suffix}"] = (partial(transcript, suffix), seeds.SUBTITLES.encode())
    found["push"] = (push, seeds.pushed())
    found["settings"] = (settings, seeds.SETTINGS.encode())
    for name in ("tokens.json", "devices.json", "token"):
        one = '[{"name": "x", "sha256": "0", "scope": "admin", "made_at": "", "expires_at": ""}]'
        seed = one.replace('"scope": "admin", "made_at": "", "expires_at": ""', '"paired_at": ""')
        text = {"tokens.json": one, "devices.json": seed, "token": "s" * 43 + "\n"}[name]
        found[f"keys.{name}"] = (partial(keys, name), text.encode())
    for name, suffix, text in (
        ("calendar", ".ics", seeds.CALENDAR),
        ("contacts", ".vcf", seeds.CONTACTS),
        ("markdown", ".md", seeds.NOTES),
        ("text", ".txt", seeds.NOTES),
        ("mem0", ".json", seeds.MEM0),
        ("chatgpt", ".json", seeds.CHATGPT),
        ("claude", ".json", seeds.CLAUDE),
    ):
        found[f"import.{name}"] = (partial(imported, name, suffix), text.encode())
    (folder / "a").mkdir()
    seeds.store(folder / "a")
    found["exchange"] = (exchange, seeds.exported(folder / "a"))
    database = (folder / "a" / "memory.db").read_bytes()
    found["store.header"] = (partial(opened, "memory.db"), database)
    found["store.log"] = (partial(opened, "memory.db-wal"), database[:4096])
    found["wire"] = (wire, _message())
    return found


def _message() -> bytes:
    from av import VideoFrame

    from perstream.sources.wire import pack_frame, send

    pipe = io.BytesIO()
    head, planes = pack_frame(VideoFrame(32, 32, "yuv420p"))
    send(pipe, {"kind": "frame", "claimed_s": 0.5, **head}, planes)
    return pipe.getvalue()
