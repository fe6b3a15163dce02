"""A browser's camera over a WebSocket: who may send, what is taken, and how it is answered."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from web_fakes import ScriptedHouse

from perstream.errors import ConfigError
from perstream.types import AudioChunk, Frame
from perstream.web.push_routes import MAX_MESSAGE
from perstream.web.server import Server
from perstream.web.token import read_token

websocket = pytest.importorskip("websocket", reason="websocket-client, which selenium brings, is not installed")
JPEG = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 120, np.uint8))[1])


def picture(at_s: float = 0.0, data: bytes = JPEG) -> bytes:
    return struct.pack("<Bd", 1, at_s) + data


@contextmanager
def socket(server: Server, name: str = "phone", hello: object = None, **how: Any) -> Iterator[Any]:
    url = server.url.replace("http", "ws") + f"/v1/sources/{name}/push"
    made = websocket.create_connection(url, timeout=10, origin=how.pop("origin", server.url), **how)
    try:
        if hello is not None:
            made.send(json.dumps(hello))
        yield made
    finally:
        made.shutdown()


def closed_with(made: Any) -> int:
    opcode, data = made.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE, data
    return int.from_bytes(data[:2], "big")


def items(house: ScriptedHouse, name: str = "phone") -> list[Any]:
    house.fed[name].end()
    return list(house.fed[name].stream())


def test_pictures_and_sound_arrive_and_are_acknowledged(server: Server, house: ScriptedHouse, store: Path) -> None:
    with socket(server, hello={"token": read_token(store)}) as made:
        assert json.loads(made.recv()) == {"ready": "phone"}
        for n in range(3):
            made.send_binary(picture(1000.0 + n / 10))
            assert json.loads(made.recv()) == {"ack": n + 1, "refused": 0}
        made.send_binary(struct.pack("<Bd", 2, 0.0) + np.arange(800, dtype="<i2").tobytes())
        made.send(json.dumps({"end": True}))
        assert closed_with(made) == 1000
    frames = [item for item in items(house) if isinstance(item, Frame)]
    assert [frame.picture.width for frame in frames] == [64, 64, 64]
    assert [round(frame.pts_s - frames[0].pts_s, 3) for frame in frames] == [0.0, 0.1, 0.2], "the sender's spacing"


def test_sound_is_heard(server: Server, house: ScriptedHouse, store: Path) -> None:
    with socket(server, hello={"token": read_token(store)}) as made:
        made.recv()
        made.send_binary(picture())
        made.recv()
        made.send_binary(struct.pack("<Bd", 2, 0.0) + np.arange(800, dtype="<i2").tobytes())
        made.send_binary(picture())
        made.recv()
    heard = [item for item in items(house) if isinstance(item, AudioChunk)]
    assert len(heard) == 1 and heard[0].samples[-1] == 799


def test_a_clock_that_lies_does_not_move_the_timeline(server: Server, house: ScriptedHouse, store: Path) -> None:
    with socket(server, hello={"token": read_token(store)}) as made:
        made.recv()
        for at_s in (0.0, 1e12, float("nan"), -5e9):
            made.send_binary(picture(at_s))
            made.recv()
    assert all(item.pts_s < 30 for item in items(house))


@pytest.mark.parametrize("hello", [{"token": "wrong"}, {}, [], {"token": 7}, {"token": "x" * 5000}, "\ud800"])
def test_without_the_token_nothing_is_taken(server: Server, house: ScriptedHouse, hello: object) -> None:
    with socket(server, hello=hello) as made:
        assert closed_with(made) == 4401
    assert not house.fed


def test_other_pages_and_other_paths_are_refused(server: Server, house: ScriptedHouse, store: Path) -> None:
    for how in ({"origin": "http://evil.example"}, {"host": "evil.example"}, {"name": "a/b"}, {"name": "%2e%2e%00"}):
        with pytest.raises(websocket.WebSocketBadStatusException), socket(server, **how):
            pass
    with pytest.raises(websocket.WebSocketBadStatusException):
        websocket.create_connection(server.url.replace("http", "ws") + "/v1/events", timeout=10)
    assert not house.fed


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x01",
        picture(data=b"no jpeg at all"),
        struct.pack("<Bd", 2, 0) + b"odd",
        struct.pack("<Bd", 9, 0) + b"??",
        "no json",
    ],
    ids=["empty", "short", "no-jpeg", "odd-sound", "unknown", "text"],
)
def test_nonsense_ends_the_connection_and_not_the_source(
    server: Server, house: ScriptedHouse, store: Path, message: bytes | str
) -> None:
    with socket(server, hello={"token": read_token(store)}) as made:
        made.recv()
        made.send(message) if isinstance(message, str) else made.send_binary(message)
        assert closed_with(made) == 4400
    assert not house.fed["phone"].over


def test_a_message_too_large_is_not_read(server: Server, house: ScriptedHouse, store: Path) -> None:
    with socket(server, hello={"token": read_token(store)}) as made:
        made.recv()
        made.send_binary(bytes(MAX_MESSAGE + 1))
        assert closed_with(made) == 1009


def test_a_flood_is_refused_unseen(
    server: Server, house: ScriptedHouse, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perstream.web.push_routes.RATE_HZ", 2.0)
    with socket(server, hello={"token": read_token(store)}) as made:
        made.recv()
        for _ in range(150):
            made.send_binary(picture())
        acks = 0
        while (got := made.recv_data())[0] == websocket.ABNF.OPCODE_TEXT:
            acks = json.loads(got[1])["ack"]
        assert int.from_bytes(got[1][:2], "big") == 4400
    assert 4 <= acks < 50


def test_a_name_that_is_taken_is_said(server: Server, house: ScriptedHouse, store: Path) -> None:
    house.error = ConfigError("phone is being watched already")
    with socket(server, hello={"token": read_token(store)}) as made:
        assert closed_with(made) == 4429
