from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perstream.daemon.notify import Heartbeat, Notifier

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such sockets")


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "notify"))
        one.settimeout(5)
        yield one


def heard(systemd: socket.socket) -> str:
    return systemd.recv(4096).decode()


def test_it_says_when_it_is_ready_alive_and_stopping(systemd: socket.socket, tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "60000"})
    assert notifier.heard and notifier.watchdog_s == 0.06
    with Heartbeat(notifier, lambda: ""):
        assert [heard(systemd) for _ in range(3)] == ["READY=1\nSTATUS=serving", "WATCHDOG=1", "WATCHDOG=1"]
    said = [heard(systemd)]
    while said[-1] == "WATCHDOG=1":
        said.append(heard(systemd))
    assert said[-1] == "STOPPING=1"


def test_without_a_sign_of_life_there_is_no_beat(systemd: socket.socket, tmp_path: Path) -> None:
    trouble = ["worker-dead\nREADY=1", ""]
    heart = Heartbeat(Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")}), lambda: trouble.pop(0))
    assert not heart.beat()
    assert heard(systemd) == "STATUS=not well: worker-dead READY=1"  # one line: it can say nothing else
    assert heart.beat() and heard(systemd) == "WATCHDOG=1"


def test_an_abstract_socket_is_found() -> None:
    if sys.platform != "linux":
        pytest.skip("Linux only")
    name = f"perstream-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind("\0" + name)
        one.settimeout(5)
        assert Notifier({"NOTIFY_SOCKET": "@" + name}).say("READY=1")
        assert heard(one) == "READY=1"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, None),  # nobody to tell
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000"}, 3.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_obeyed_where_it_is_meant_for_us(environ: dict[str, str], expected: float | None) -> None:
    assert Notifier(environ).watchdog_s == expected


def test_nobody_to_tell_is_no_error(tmp_path: Path) -> None:
    assert not Notifier({}).say("READY=1")
    assert not Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).say("READY=1")
    assert not Notifier({"NOTIFY_SOCKET": "vsock:2:1"}).heard
