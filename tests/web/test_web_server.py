from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from web_fakes import ScriptedHouse

from perstream.config import ServerConfig
from perstream.errors import ConfigError, StoreError
from perstream.web.address import find_daemon
from perstream.web.server import Server


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", "10.0.0.1"])
def test_another_than_this_machine_is_refused_unless_meant(host: str, house: ScriptedHouse, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="allow_remote"):
        Server(house, ServerConfig(host=host), tmp_path)
    Server(house, ServerConfig(host=host, allow_remote=True), tmp_path)


def test_a_port_in_use_is_told_in_one_line(server: Server, house: ScriptedHouse, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(ConfigError, match=f"port {server.port}.*in use.*--port"):
        Server(house, ServerConfig(port=server.port), other).start()
    assert not (other / "daemon.json").exists()


def test_a_store_that_cannot_be_written_is_told(house: ScriptedHouse, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Server(house, ServerConfig(port=0), tmp_path / "missing").start()


def test_stop_ends_listeners_and_frees_the_port(house: ScriptedHouse, tmp_path: Path) -> None:
    server = Server(house, ServerConfig(port=0), tmp_path)
    server.start()
    port = server.port
    headers = {"Authorization": f"Bearer {server.token_file.read_text().strip()}"}
    with httpx.stream("GET", f"{server.url}/v1/events", headers=headers, trust_env=False, timeout=10) as answer:
        lines = answer.iter_lines()
        next(lines)
        stopper = threading.Thread(target=server.stop)
        stopper.start()
        assert [line for line in lines if line] == []  # it ends, it does not break
        stopper.join(10)
    server.stop()  # twice is fine
    with Server(house, ServerConfig(port=port), tmp_path) as again:
        assert again.port == port


def test_wait_ends_when_the_server_is_stopped(own_server: Server) -> None:
    threading.Timer(0.05, own_server.stop).start()
    waiting = threading.Thread(target=own_server.wait)
    waiting.start()
    waiting.join(5)
    assert not waiting.is_alive()


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_cleanly(which: signal.Signals, tmp_path: Path) -> None:
    here = Path(__file__).parent
    code = f"""
import sys
sys.path.insert(0, {str(here)!r})
from pathlib import Path
from web_fakes import ScriptedHouse
from perstream.config import ServerConfig
from perstream.web.server import Server
with Server(ScriptedHouse(), ServerConfig(port=0), Path({str(tmp_path)!r})) as server:
    print(server.url, flush=True)
    server.wait()
print("closed", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    time.sleep(0.1)
    process.send_signal(which)
    out, err = process.communicate(timeout=15)
    assert (process.returncode, out.strip(), err) == (0, "closed", "")
    assert not (tmp_path / "daemon.json").exists()


def test_answers_leave_at_once(own_server: Server) -> None:
    """Small packets are not held back (Nagle): asyncio switches that off for sockets named as TCP."""
    (door,) = own_server._doors
    assert door.listening.proto == socket.IPPROTO_TCP


def test_ipv6_loopback_is_served_where_there_is_one(house: ScriptedHouse, tmp_path: Path) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with Server(house, ServerConfig(host="::1", port=0), tmp_path) as server:
        assert httpx.get(f"{server.url}/healthz", trust_env=False).status_code == 200


def test_a_container_answers_to_the_names_it_was_given_and_to_no_others(house: ScriptedHouse, tmp_path: Path) -> None:
    config = ServerConfig(host="0.0.0.0", allow_remote=True, port=0, names=("perstream",))
    with Server(house, config, tmp_path) as server:
        address = f"http://127.0.0.1:{server.port}/healthz"
        for host, status in (("perstream:8765", 200), ("127.0.0.1:8765", 200), ("evil.example", 403), ("0.0.0.0", 403)):
            assert httpx.get(address, headers={"Host": host}, trust_env=False).status_code == status, host
        assert find_daemon(tmp_path) is not None and server.url == f"http://127.0.0.1:{server.port}"


def test_it_is_asked_whether_it_answers(house: ScriptedHouse, tmp_path: Path) -> None:
    server = Server(house, ServerConfig(port=0), tmp_path)
    with server:
        assert server.answers()
        (tmp_path / "daemon.json").unlink()  # nothing hangs on that
        assert server.answers()
    assert not server.answers()
