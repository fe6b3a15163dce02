"""Where a stream may lead: checked addresses at the moment of connecting, and no file leads anywhere."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from video_maker import make_video

from perstream.config import SourceConfig
from perstream.errors import SourceError
from perstream.sources import open_source
from perstream.sources.reach import METADATA, Reach, inner, is_own
from perstream.sources.relay import Relay
from perstream.sources.rtsp_relay import RtspRelay, answers

CONFIG = SourceConfig(open_deadline_s=8.0)


def reach(meaning: dict[str, list[str]], allow: tuple[str, ...] = (), first: str = "cam", own: str = "") -> Reach:
    return Reach(first, allow, lambda host, _: meaning.get(host, [host]), lambda address: str(address) == own)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.3.4",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "192.0.0.192",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "192.168.1.77",
    ],
)
def test_these_are_refused_however_they_are_named(address: str) -> None:
    for host in (address, "cam", "CAM."):
        with pytest.raises(SourceError, match=r"allow_hosts"):
            reach({"cam": [address]}, own="192.168.1.77").addresses(host, 80)
        assert reach({"cam": [address]}, allow=("*",)).addresses(host, 80)
    assert reach({"cam": [address]}, allow=("Cam",)).addresses("cam", 80) == [address]


@pytest.mark.parametrize(
    "address", ["192.168.1.20", "10.0.0.5", "172.16.3.4", "100.64.0.9", "8.8.8.8", "fd12::5", "2a00::1"]
)
def test_cameras_of_the_local_network_and_servers_outside_are_fine(address: str) -> None:
    assert reach({"cam": [address]}).addresses("cam", 554) == [address]


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "017700000001", "1", "0"]
)
def test_numbers_in_disguise_are_refused_before_anybody_is_asked(host: str) -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise AssertionError("was asked")

    with pytest.raises(SourceError, match="unusual"):
        Reach("cam", (), resolver).addresses(host, 80)


def test_one_bad_address_among_good_ones_is_enough() -> None:
    with pytest.raises(SourceError, match="this machine"):
        reach({"cam": ["192.168.1.20", "127.0.0.1"]}).addresses("cam", 80)


def test_a_name_that_changes_its_mind_is_refused_the_second_time() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    changing = Reach("cam", (), lambda *_: next(answers), lambda _: False)
    assert changing.addresses("cam", 80) == ["8.8.8.8"]
    with pytest.raises(SourceError, match="this machine"):
        changing.addresses("cam", 80)


def test_a_server_outside_leads_nowhere_inside() -> None:
    meaning = {"cam": ["8.8.8.8"], "router": ["192.168.1.1"], "cdn": ["1.1.1.1"], "nas": ["192.168.1.2"]}
    for allow in ((), ("cam",)):
        outside = reach(meaning, allow)
        assert outside.addresses("cam", 80) and outside.addresses("cdn", 443)
        with pytest.raises(SourceError, match="local network"):
            outside.addresses("router", 80)
    inside = reach(meaning, first="nas")
    assert inside.addresses("nas", 80) and inside.addresses("router", 80)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_ports(port: int) -> None:
    with pytest.raises(SourceError, match="port"):
        reach({}).addresses("8.8.8.8", port)


@given(st.integers(0, 2**32 - 1))
def test_what_carries_an_address_is_judged_by_it(number: int) -> None:
    plain = ipaddress.IPv4Address(number)
    for carrier in (f"::ffff:{plain}", f"64:ff9b::{plain}"):
        assert inner(ipaddress.ip_address(carrier)) == plain


@given(st.text(max_size=80))
def test_any_host_is_resolved_or_refused(host: str) -> None:
    def resolver(host: str, port: int) -> list[str]:
        raise SourceError("unknown")

    with pytest.raises(SourceError):
        Reach("cam", (), resolver).addresses(host, 80)


def test_this_machine_knows_itself() -> None:
    assert is_own(ipaddress.ip_address("127.0.0.1"))
    assert not is_own(ipaddress.ip_address("192.0.2.1"))
    assert METADATA


class Trap:
    """A port of this machine that nobody may connect to; or one that answers once with ``said``."""

    def __init__(self, said: bytes = b"") -> None:
        self.heard: list[bytes] = []
        self._said = said
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
                with client:
                    client.settimeout(5)
                    self.heard.append(client.recv(4096))
                    client.sendall(self._said)
            except OSError:
                return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    made = Trap()
    yield made
    made.close()


def answer(status: str, *fields: str, body: str = "") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *fields])
    return f"{head}\r\n\r\n{body}".encode()


def through(relay: Relay, request: bytes) -> bytes:
    port = int(relay.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        data = b""
        while part := connection.recv(4096):
            data += part
        return data


def test_the_relay_passes_on_what_is_fine_and_refuses_the_rest() -> None:
    server = Trap(answer("200 OK", body="picture"))
    relay = Relay(Reach("cam.test", ("cam.test",), lambda *_: ["127.0.0.1"], lambda _: True))
    target = f"http://cam.test:{server.port}/a?b=c"
    head = f"GET {target} HTTP/1.1\r\nHost: cam.test\r\nConnection: keep-alive\r\nProxy-Foo: x\r\n\r\n"
    assert through(relay, head.encode()).endswith(b"picture")
    assert server.heard == [b"GET /a?b=c HTTP/1.1\r\nHost: cam.test\r\nConnection: close\r\n\r\n"]
    assert through(relay, f"CONNECT cam.test:{server.port} HTTP/1.1\r\n\r\nhello".encode()).endswith(b"picture")
    assert server.heard[1] == b"hello"
    for bad in (f"GET http://other.test:{server.port}/ HTTP/1.1", f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"):
        assert b"403" in through(relay, f"{bad}\r\n\r\n".encode())
        assert relay.problem is not None and "this machine" in relay.problem
    assert b"400" in through(relay, b"nonsense\r\n\r\n")
    assert b"400" in through(relay, b"GET http://[::1/ HTTP/1.1\r\n\r\n")
    assert len(server.heard) == 2
    relay.close()
    server.close()


def test_a_source_that_is_not_the_owners_may_not_be_this_machine(trap: Trap) -> None:
    for scheme in ("http", "https", "rtsp", "rtsps"):
        with pytest.raises(SourceError, match="this machine"):
            open_source(f"{scheme}://localhost:{trap.port}/x", CONFIG, trusted=False)
    with pytest.raises(SourceError, match="no kind of source"):
        open_source(f"rtmp://localhost:{trap.port}/x", CONFIG, trusted=False)
    assert trap.heard == []
    allowing = SourceConfig(open_deadline_s=8.0, allow_hosts=("localhost",))
    with pytest.raises(SourceError):
        open_source(f"http://localhost:{trap.port}/x", allowing, trusted=False)
    assert len(trap.heard) == 1


@pytest.mark.parametrize("kind", ["redirect", "playlist", "key"])
def test_a_server_the_owner_named_leads_to_nothing_else_here(trap: Trap, kind: str) -> None:
    there = f"http://127.0.0.1:{trap.port}/secret.ts"
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{there}\n#EXT-X-ENDLIST\n"
    if kind == "key":
        playlist = playlist.replace("#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{there}"\n#EXTINF')
    replies = {
        "redirect": answer("302 Found", f"Location: {there}"),
        "playlist": answer("200 OK", "Content-Type: application/vnd.apple.mpegurl", body=playlist),
        "key": answer("200 OK", "Content-Type: application/vnd.apple.mpegurl", body=playlist),
    }
    server = Trap(replies[kind])
    with pytest.raises(SourceError):
        open_source(f"http://localhost:{server.port}/live.m3u8", CONFIG)
    assert server.heard
    assert trap.heard == []
    server.close()


@pytest.mark.parametrize("name", ["list.m3u8", "holiday.mp4", "cut.ffconcat"])
@pytest.mark.parametrize("kind", ["hls", "concat", "sdp", "dash", "local"])
def test_a_file_leads_nowhere(tmp_path: Path, trap: Trap, name: str, kind: str) -> None:
    there = f"http://127.0.0.1:{trap.port}/a.ts"
    texts = {
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{there}\n#EXT-X-ENDLIST\n",
        "concat": f"ffconcat version 1.0\nfile {there}\nfile tcp://127.0.0.1:{trap.port}\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {trap.port} RTP/AVP 33\n",
        "dash": f'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
        f'mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{there}</BaseURL></Representation>'
        f"</AdaptationSet></Period></MPD>",
        "local": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{tmp_path}/private.ts\n#EXT-X-ENDLIST\n",
    }
    if kind == "local":
        make_video(tmp_path / "private.ts", frames=5)
    (tmp_path / name).write_text(texts[kind])
    with pytest.raises(SourceError):
        open_source(str(tmp_path / name), CONFIG)
    assert trap.heard == []


def rtsp(status: str, *fields: str, body: str = "") -> bytes:
    return "\r\n".join([f"RTSP/1.0 {status}", *fields, f"Content-Length: {len(body)}", "", body]).encode()


def test_whole_answers_of_a_camera_pass_and_redirects_do_not() -> None:
    first, second = rtsp("200 OK", "CSeq: 1"), rtsp("200 OK", "CSeq: 2", body="v=0\r\n\r\nm=video")
    both = first + second
    for cut in range(len(both) + 1):
        whole, rest = answers(both[:cut])
        assert whole + rest == both[:cut]
        assert whole == (both if cut == len(both) else first if cut >= len(first) else b"")
    for bad in (rtsp("302 Moved", "Location: rtsp://127.0.0.1/"), first + rtsp("301 x"), b"HTTP/1.1 200 OK\r\n\r\n"):
        with pytest.raises(SourceError):
            answers(bad)
    with pytest.raises(SourceError, match="end"):
        answers(b"x" * 2_000_000)


def test_a_camera_sends_nobody_elsewhere(trap: Trap) -> None:
    camera = Trap(rtsp("302 Found", "CSeq: 1", f"Location: rtsp://127.0.0.1:{trap.port}/x"))
    relay = Relay(Reach("cam.test", ("cam.test",), lambda *_: ["127.0.0.1"]))
    between = RtspRelay(lambda: relay.dial("cam.test", camera.port))
    url = between.url(urlsplit("rtsp://me:secret@cam.test/live?x=1"))
    assert url.startswith("rtsp://me:secret@127.0.0.1:") and url.endswith("/live?x=1")
    with pytest.raises(av.FFmpegError):
        av.open(url, options={"rtsp_transport": "tcp"}, timeout=5)
    assert camera.heard and camera.heard[0].startswith(b"OPTIONS")
    assert between.problem is not None and "another address" in between.problem
    assert trap.heard == []
    for one in (between, relay, camera):
        one.close()


def test_the_own_address_of_ipv6_is_told_as_this_machine() -> None:
    with pytest.raises(SourceError, match="::1 is this machine itself"):
        Reach("camera", (), resolver=lambda host, port: [host], own=lambda address: False).addresses("::1", 80)
