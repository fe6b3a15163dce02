"""The LAN's door: TLS only, and only for devices that were paired."""

from __future__ import annotations

import json
import os
import ssl
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from web_fakes import ScriptedHouse
from websocket import create_connection

pytest.importorskip("cryptography", reason="the extra lan is not installed")
pytest.importorskip("selenium", reason="selenium is not installed")

from browser_kit import needs_chromium
from cryptography import x509
from typer.testing import CliRunner

from perstream.cli.main import app as cli
from perstream.config import ServerConfig
from perstream.errors import ConfigError, NotFound, StoreError
from perstream.lab.browser import Page, start
from perstream.web.certificate import ensure_certificate, names_of_machine
from perstream.web.client import Client
from perstream.web.devices import MOST, Devices
from perstream.web.pairing import GOOD_S, WRONG_S, Pairing, TooManyTries, WrongCode
from perstream.web.server import Server
from perstream.web.token import read_token

NAMES = ("localhost", "127.0.0.1", "192.168.1.5", "desk.local")


class Lan:
    """A server of this test alone, seen from the network."""

    def __init__(self, server: Server, store: Path) -> None:
        self.server = server
        self.store = store
        address = self.invite().partition("/#")[0]
        assert address.startswith("https://192.168.1.5:")
        self.port = int(address.rpartition(":")[2])
        self.trust = ssl.create_default_context(cafile=str(store / "tls" / "certificate.pem"))
        self.http = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}", verify=self.trust, trust_env=False, timeout=10
        )

    def invite(self) -> str:
        invitation = self.server.invite()
        assert invitation is not None
        return invitation.url

    def code(self) -> str:
        return self.invite().rpartition("#pair=")[2]

    def pair(self, code: str, name: str = "phone") -> httpx.Response:
        return self.http.post("/v1/pair", json={"code": code, "name": name})

    def status(self, token: str) -> int:
        return self.http.get("/v1/status", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.fixture
def lan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lan]:
    monkeypatch.setattr("perstream.web.server.lan_addresses", lambda: ("192.168.1.5", "10.0.0.9"))
    with Server(ScriptedHouse(), ServerConfig(port=0, lan=True, lan_port=0), tmp_path, heartbeat_s=0.1) as server:
        seen = Lan(server, tmp_path)
        yield seen
        seen.http.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def scanned(drawn: str) -> str:
    """What a camera reads off the terminal: of each character the upper and the lower half is light or dark."""
    lines = [line for line in drawn.splitlines() if line and set(line) <= set("█▀▄ ")]
    rows = [[255 * (letter in half) for letter in line] for line in lines for half in ("█▀", "█▄")]
    whole = np.pad(np.array(rows, np.uint8), 4, constant_values=255)
    for size in (8, 5, 12):  # as a camera comes nearer and goes away again: its reader is not perfect
        picture = np.kron(whole, np.ones((size, size), np.uint8))
        for reader in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
            if read := reader.detectAndDecode(picture)[0]:
                return str(read)
    return ""


def test_a_code_pairs_one_device_once(lan: Lan) -> None:
    code = lan.code()
    assert len(code) * 6 >= 128
    answer = lan.pair(code, "Anna's\nphone")
    assert answer.status_code == 201
    paired = answer.json()
    assert paired["name"] == "Anna's phone"
    assert lan.status(paired["token"]) == 200
    assert lan.pair(code).status_code == 403  # used
    assert paired["token"] not in (lan.store / "devices.json").read_text()
    if os.name == "posix":
        assert mode(lan.store / "devices.json") == 0o600


def test_wrong_and_replaced_codes_are_refused_and_five_make_one_wait(lan: Lan) -> None:
    old = lan.code()
    good = lan.code()
    for wrong in (old, "x", good[:-1], good.swapcase(), "ö" * 20):
        assert lan.pair(wrong).status_code == 403
    refused = lan.pair(good)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert Devices(lan.store).listed() == ()


def test_without_a_token_the_network_gets_nothing(lan: Lan) -> None:
    assert lan.http.get("/v1/status").status_code == 401
    assert lan.http.get("/v1/pair").status_code == 401  # only POST is open
    assert lan.http.post("/v1/pair/").status_code == 401
    assert lan.http.post("/v1/pair/code").status_code == 401
    assert lan.http.post("/v1/pair", content=b"{" + b" " * 5000).status_code == 413
    assert lan.pair("c" * 101).status_code == 422
    assert lan.http.get("/healthz", headers={"Host": "10.0.0.9:8766"}).status_code == 200
    assert lan.http.get("/healthz", headers={"Host": "evil.example"}).status_code == 403
    origin = {"Origin": "https://evil.example"}
    assert lan.http.post("/v1/pair", json={"code": lan.code()}, headers=origin).status_code == 403


def test_a_revoked_device_is_refused_at_once(lan: Lan) -> None:
    kept, lost = (lan.pair(lan.code(), "phone").json() for _ in range(2))
    assert (kept["name"], lost["name"]) == ("phone", "phone 2")
    headers = {"Authorization": f"Bearer {lost['token']}"}
    socket = create_connection(
        f"wss://127.0.0.1:{lan.port}/v1/sources/phone/push",
        sslopt={"context": lan.trust},
        timeout=10,
        suppress_origin=True,
    )
    raw = socket.sock
    socket.send(json.dumps({"token": lost["token"]}))
    assert json.loads(socket.recv()) == {"ready": "phone"}
    with lan.http.stream("GET", "/v1/events", headers=headers) as events:
        lines = events.iter_lines()
        next(lines)
        CliRunner().invoke(cli, ["devices", "revoke", "phone 2", "--store", str(lan.store)], catch_exceptions=False)
        for _ in lines:
            pass  # the stream ends; were it not ended, this would hang until the time-out
    socket.send(json.dumps({"rest": True}))
    opcode, data = socket.recv_data()
    assert (opcode, int.from_bytes(data[:2], "big")) == (8, 4401)
    raw.close()
    assert lan.status(lost["token"]) == 401
    assert lan.status(kept["token"]) == 200


def test_only_the_owner_invites(lan: Lan) -> None:
    token = lan.pair(lan.code()).json()["token"]
    refused = lan.http.post("/v1/pair/code", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
    shown = CliRunner().invoke(cli, ["devices", "pair", "--store", str(lan.store), "--json"], catch_exceptions=False)
    invitation = json.loads(shown.stdout)
    assert lan.pair(invitation["url"].rpartition("#pair=")[2]).status_code == 201
    listed = CliRunner().invoke(cli, ["devices", "list", "--store", str(lan.store), "--json"], catch_exceptions=False)
    assert [one["name"] for one in json.loads(listed.stdout)["devices"]] == ["phone", "phone 2"]
    for _ in range(5):
        drawn = CliRunner().invoke(cli, ["devices", "pair", "--store", str(lan.store)], catch_exceptions=False).stdout
        if read := scanned(drawn):
            break
    assert invitation["fingerprint"] in drawn
    assert read in drawn.split()
    assert lan.pair(read.rpartition("#pair=")[2]).status_code == 201


def test_the_port_speaks_tls_only(lan: Lan) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{lan.port}/healthz", trust_env=False, timeout=5)
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"https://127.0.0.1:{lan.port}/healthz", trust_env=False, timeout=5)
    old = ssl.create_default_context(cafile=str(lan.store / "tls" / "certificate.pem"))
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert httpx.get(f"https://127.0.0.1:{lan.port}/healthz", verify=old, trust_env=False).status_code == 200


def test_the_commands_of_this_machine_go_on_as_before(lan: Lan) -> None:
    with Client(lan.store) as client:
        assert client.status().store
        assert client.address.url.startswith("http://127.0.0.1:")
    assert lan.status(read_token(lan.store)) == 200
    here = httpx.post(f"{lan.server.url}/v1/pair", json={"code": lan.code()}, trust_env=False)
    assert here.status_code == 401  # on this machine nobody needs to pair


def test_off_by_default(own_server: Server, tmp_path: Path) -> None:
    assert own_server.invite() is None
    assert not (tmp_path / "tls").exists()
    headers = {"Authorization": f"Bearer {read_token(tmp_path)}"}
    for path in ("/v1/pair", "/v1/pair/code"):
        assert httpx.post(own_server.url + path, headers=headers, trust_env=False).status_code == 404


def test_lan_and_another_host_are_not_mixed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"server\.host"):
        Server(ScriptedHouse(), ServerConfig(host="0.0.0.0", allow_remote=True, lan=True), tmp_path)


def test_codes_run_out_and_waiting_ends(tmp_path: Path) -> None:
    clock = [0.0]
    pairing = Pairing(Devices(tmp_path), "https://x", "AA", lambda: clock[0])
    with pytest.raises(WrongCode):
        pairing.redeem("", "before there is any code")
    code = pairing.invite().url.rpartition("=")[2]
    clock[0] = GOOD_S
    with pytest.raises(WrongCode):
        pairing.redeem(code, "late")
    code = pairing.invite().url.rpartition("=")[2]
    clock[0] += GOOD_S - 1
    for _ in range(5):
        with pytest.raises(WrongCode):
            pairing.redeem("wrong", "guess")
    with pytest.raises(TooManyTries):
        pairing.redeem(code, "phone")
    code = pairing.invite().url.rpartition("=")[2]
    clock[0] += WRONG_S
    device, token = pairing.redeem(code, "")
    assert device.name == "device"
    assert Devices(tmp_path).knows(token.encode())


def test_the_list_of_devices_is_bounded_and_damage_lets_nobody_in(tmp_path: Path) -> None:
    devices = Devices(tmp_path)
    tokens = [devices.add("phone")[1] for _ in range(MOST)]
    with pytest.raises(StoreError, match="revoke"):
        devices.add("one more")
    with pytest.raises(NotFound):
        devices.revoke("unheard of")
    assert devices.knows(tokens[7].encode())
    (tmp_path / "devices.json").write_text('[{"name": 3}]')
    assert not devices.knows(tokens[7].encode())
    with pytest.raises(StoreError, match="pair"):
        devices.listed()
    (tmp_path / "devices.json").unlink()
    assert not devices.knows(tokens[7].encode())


def test_the_certificate_names_this_machine_and_its_key_is_private(tmp_path: Path) -> None:
    made = ensure_certificate(tmp_path, NAMES)
    held = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    alternatives = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in alternatives} == set(NAMES)
    assert held.not_valid_after_utc - held.not_valid_before_utc <= timedelta(days=825)
    assert len(made.fingerprint.split(":")) == 32
    assert {"localhost", "127.0.0.1", "10.0.0.9"} <= set(names_of_machine(["10.0.0.9"]))
    if os.name == "posix":
        assert (mode(tmp_path / "tls"), mode(made.key)) == (0o700, 0o600)


def test_the_certificate_is_kept_until_it_does_not_fit(tmp_path: Path) -> None:
    first = ensure_certificate(tmp_path, NAMES)
    assert ensure_certificate(tmp_path, NAMES[:3]) == first
    moved = ensure_certificate(tmp_path, (*NAMES, "10.0.0.9"))
    assert moved.fingerprint != first.fingerprint
    later = datetime.now(timezone.utc) + timedelta(days=800)
    renewed = ensure_certificate(tmp_path, NAMES, later)
    assert renewed.fingerprint != moved.fingerprint
    renewed.key.write_text("damaged")
    assert ensure_certificate(tmp_path, NAMES, later).fingerprint != renewed.fingerprint


@needs_chromium()
def test_the_page_takes_the_code_and_keeps_the_devices_token(
    lan: Lan, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Over TLS in a real browser, as far as a browser lets itself be told to trust the certificate."""
    driver = start(tmp_path_factory.mktemp("profile"), extra=("--ignore-certificate-errors",))
    try:
        page = Page(driver, f"https://127.0.0.1:{lan.port}", "", tmp_path_factory.mktemp("shots"))
        code = lan.code()
        driver.get(f"{page.url}/#pair={code}")
        page.until(lambda: page.text("#link") == "live", "the page is live")
        assert code not in driver.current_url
        (device,) = Devices(lan.store).listed()
        driver.switch_to.new_window("tab")
        driver.get(f"{page.url}/#/now")
        page.until(lambda: page.text("#link") == "live", "the device is known in another tab")
        Devices(lan.store).revoke(device.name)
        driver.refresh()
        assert "refused" in page.one("[role=alert]").text
        driver.get("about:blank")
        driver.get(f"{page.url}/#pair={code}")
        assert "Not paired" in page.one("[role=alert]").text
    finally:
        driver.quit()
