"""How much one caller may ask for, and how much is in hand at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from web_fakes import ScriptedHouse
from websocket import WebSocket, create_connection

from perstream.config import ServerConfig
from perstream.web import door, limits, socket_door
from perstream.web.limits import MOST_CALLERS, WRONG_FREE, WRONG_S, Limits
from perstream.web.server import Server
from perstream.web.token import read_token


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_ten_seconds_worth_at_once_and_then_the_rate(clock: Clock) -> None:
    rates = Limits(ServerConfig(requests_per_s=2.0), clock)
    assert [rates.request(b"a") for _ in range(20)] == [None] * 20
    full = rates.request(b"a")
    assert full is not None and (full.status, full.retry_s) == (429, 1)
    assert rates.request(b"b") is None  # another caller
    clock.now += 0.5
    assert rates.request(b"a") is None
    assert rates.request(b"a") is not None
    clock.now += 3600
    assert [rates.request(b"a") for _ in range(20)] == [None] * 20  # no more than one bucket is saved up
    assert rates.request(b"a") is not None


def test_a_slow_rate_still_lets_one_in(clock: Clock) -> None:
    rates = Limits(ServerConfig(requests_per_s=0.01), clock)
    assert rates.request(b"a") is None
    full = rates.request(b"a")
    assert full is not None and full.retry_s == 100


def test_wrong_tokens_make_an_address_wait_longer_and_longer(clock: Clock) -> None:
    rates = Limits(ServerConfig(), clock)
    assert [rates.wrong("1.2.3.4") for _ in range(WRONG_FREE)] == [None] * WRONG_FREE
    waits = [full.retry_s for _ in range(9) if (full := rates.wrong("1.2.3.4"))]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert rates.wrong("1.2.3.5") is None
    clock.now += WRONG_S
    assert rates.wrong("1.2.3.4") is None


def test_what_is_kept_of_callers_is_bounded(clock: Clock) -> None:
    rates = Limits(ServerConfig(), clock)
    for number in range(MOST_CALLERS + 50):
        rates.request(str(number).encode())
        rates.wrong(str(number))
    assert len(rates._buckets) == len(rates._wrong) == MOST_CALLERS


class Small:
    """A server with small limits."""

    def __init__(self, server: Server, house: ScriptedHouse, store: Path) -> None:
        self.server, self.house = server, house
        headers = {"Authorization": f"Bearer {read_token(store)}"}
        self.http = httpx.Client(base_url=server.url, headers=headers, trust_env=False, timeout=10)

    def socket(self) -> WebSocket:
        url = f"ws://127.0.0.1:{self.server.port}/v1/sources/cam/push"
        return create_connection(url, timeout=10, suppress_origin=True)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Small]:
    config = ServerConfig(port=0, questions_at_once=2, streams_at_once=1, requests_per_s=1.0)
    house = ScriptedHouse()
    with Server(house, config, tmp_path) as server:
        yield (seen := Small(server, house, tmp_path))
        seen.http.close()


def test_over_the_rate_is_429_with_when_to_come_back(small: Small) -> None:
    answers = [small.http.get("/v1/status") for _ in range(12)]
    assert [a.status_code for a in answers[:10]] == [200] * 10
    assert answers[-1].status_code == 429
    assert answers[-1].headers["content-type"] == "application/problem+json"
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert small.http.get("/healthz").status_code == 200  # whether it lives can be asked for ever


def test_questions_over_the_limit_come_back_later(small: Small) -> None:
    small.house.hold.clear()
    with ThreadPoolExecutor(2) as askers:
        body = {"question": "where"}
        waiting = [askers.submit(small.http.post, "/v1/ask", json=body | {"stream": n == 1}) for n in range(2)]
        while len(small.house.asked) < 2:
            time.sleep(0.005)
        refused = small.http.post("/v1/ask", json=body)
        assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
        assert small.http.get("/v1/status").status_code == 200  # everything else goes on
        small.house.hold.set()
        assert [one.result().status_code for one in waiting] == [200, 200]
    assert small.http.post("/v1/ask", json=body).status_code == 200


def test_fifty_askers_and_a_page_at_once_feel_no_limit(own_server: Server, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {read_token(tmp_path)}"}

    def asker(number: int) -> set[int]:
        with httpx.Client(base_url=own_server.url, headers=headers, trust_env=False, timeout=30) as http:
            body = {"question": "where", "stream": number % 2 == 0}
            return {http.post("/v1/ask", json=body).status_code + http.get("/v1/status").status_code for _ in range(4)}

    with ThreadPoolExecutor(50) as askers:
        assert set().union(*askers.map(asker, range(50))) == {400}


def test_streams_over_the_limit_come_back_later_and_one_that_ends_makes_room(small: Small) -> None:
    with small.http.stream("GET", "/v1/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        assert small.http.get("/v1/events").status_code == 503
        small.house.watched["cam"] = None  # type: ignore[assignment]
        assert small.http.get("/v1/sources/cam/live").status_code == 503
    deadline = time.monotonic() + 10
    while small.http.get("/v1/sources/cam/live").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.6)


def test_a_right_token_gets_in_however_many_wrong_ones_were_tried(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "WRONG_FREE", 3)

    def wrong() -> httpx.Response:
        return httpx.get(f"{small.server.url}/v1/status", headers={"Authorization": "Bearer wrong"}, trust_env=False)

    for _ in range(5):
        last = wrong()
    assert last.status_code == 429 and int(last.headers["retry-after"]) >= 1
    assert small.http.get("/v1/status").status_code == 200
    assert httpx.get(f"{small.server.url}/v1/status", trust_env=False).status_code == 401  # none at all is no try


def test_a_forwarded_address_is_not_believed(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WRONG_FREE", 3)
    for number in range(4):
        headers = {"Authorization": "Bearer wrong", "X-Forwarded-For": f"10.0.0.{number}"}
        last = httpx.get(f"{own_server.url}/v1/status", headers=headers, trust_env=False)
    assert last.status_code == 429


def test_a_head_that_never_ends_is_not_waited_for(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HEAD_S", 0.2)
    for start in (b"", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "):
        with socket.create_connection(("127.0.0.1", own_server.port), timeout=10) as connection:
            connection.sendall(start)
            assert connection.recv(100) == b""
    with socket.create_connection(("127.0.0.1", own_server.port), timeout=10) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in connection.recv(4000)
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"G")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            while connection.recv(4000):
                pass  # the rest of the first answer; then it is closed though a byte came now and then
        except ConnectionError:
            pass
        stop.set()
        dripping.join()


def test_a_slow_answer_is_waited_for(own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HEAD_S", 0.1)
    with httpx.stream(
        "GET",
        f"{own_server.url}/v1/events",
        headers={"Authorization": f"Bearer {read_token(tmp_path)}"},
        trust_env=False,
        timeout=0.4,
    ) as answer:
        lines = answer.iter_lines()
        assert next(lines) == ": listening"
        next(lines)
        with pytest.raises(httpx.ReadTimeout):  # open, and silent
            next(lines)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"X-Long": "x" * 20_000}, {431}), ({f"X-{n}": "x" for n in range(120)}, {431}), ({"X": "x" * 10**6}, {400, 431})],
    ids=["too long", "too many", "far too long"],
)
def test_heads_are_bounded(own_server: Server, headers: dict[str, str], status: set[int]) -> None:
    try:
        answer = httpx.get(f"{own_server.url}/healthz", headers=headers, trust_env=False)
    except httpx.TransportError:
        return  # cut off while it was still sending
    assert answer.status_code in status


def test_sockets_that_say_no_token_are_bounded(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_WAITING", 2)
    waiting = [small.socket() for _ in range(2)]
    refused = small.socket()
    opcode, data = refused.recv_data()
    assert (opcode, int.from_bytes(data[:2], "big")) == (8, 4429)
    for one in (*waiting, refused):
        one.sock.close()


def test_a_socket_that_fell_silent_is_let_go(small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_door, "SILENCE_S", 0.1)
    one = small.socket()
    one.send(f'{{"token": "{read_token(tmp_path)}"}}')
    assert "ready" in one.recv()
    opcode, data = one.recv_data()
    assert (opcode, int.from_bytes(data[:2], "big")) == (8, 4408)
    one.sock.close()
