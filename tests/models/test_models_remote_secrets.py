"""Where the key may come from and go to, and that it is seen nowhere."""

from __future__ import annotations

import http.server
import logging
import shutil
import ssl
import subprocess
import threading
import traceback
from pathlib import Path

import pytest
from remote_kit import talking

from perstream.config import BackendConfig
from perstream.errors import BackendUnavailable, ConfigError, PerStreamError
from perstream.lab.stand_in_acts import Say, Status
from perstream.lab.stand_in_server import StandIn
from perstream.models.chat.messages import Message, Sampling
from perstream.models.remote.address import resolve
from perstream.models.remote.chat import RemoteChat
from perstream.models.remote.faults import cleaned
from perstream.models.remote.secrets import gathered

KEY = "sk-very-secret-0123456789"
FINE = Say(("Yes.",))


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def test_the_key_of_the_environment_is_sent_and_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    acts = [FINE, *[Status(500, {"error": {"message": f"you sent {KEY}"}})] * 3]
    with talking(acts, {"OPENAI_API_KEY": KEY}, key=KEY) as t:
        assert t.ask() == "Yes."
        assert t.server.heard[-1].headers["Authorization"] == f"Bearer {KEY}"
        with pytest.raises(BackendUnavailable) as caught:
            t.ask()
        told = "".join(traceback.format_exception(caught.value))
        assert "you sent ***" in told
        assert KEY not in told + caplog.text + t.chat.name + repr(t.chat.sent()) + repr(vars(t.chat))
    address = resolve(BackendConfig(base_url="http://localhost:1/v1"), {"OPENAI_API_KEY": KEY})
    assert address.key == KEY and KEY not in repr(address)


def test_a_wrong_key_is_told_without_it() -> None:
    with talking([FINE], {"OPENAI_API_KEY": "sk-wrong"}, key=KEY) as talk:
        with pytest.raises(BackendUnavailable, match=r"refuses the key in OPENAI_API_KEY \(status 401\)") as caught:
            talk.ask()
        assert "sk-" not in str(caught.value)


def test_the_env_file(tmp_path: Path) -> None:
    text = f"""
# comment
export OPENAI_API_KEY="{KEY}"  # mine
OPENAI_BASE_URL = http://localhost:9/v1 # there
OPENAI_MODEL='a model'
PATH=/evil
HTTP_PROXY=http://evil
nonsense
"""
    (tmp_path / ".env").write_text(text)
    assert gathered({}) == {
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": "http://localhost:9/v1",
        "OPENAI_MODEL": "a model",
    }
    assert gathered({"OPENAI_API_KEY": " other ", "OPENAI_MODEL": " "})["OPENAI_API_KEY"] == "other"
    assert gathered({"OPENAI_MODEL": " "})["OPENAI_MODEL"] == "a model"
    address = resolve(BackendConfig(), {})
    assert (address.url, address.model, address.key) == ("http://localhost:9/v1", "a model", KEY)
    assert (
        resolve(BackendConfig(base_url="http://127.0.0.1:8/v1/", served_model="b"), {}).url == "http://127.0.0.1:8/v1"
    )


def test_an_env_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00OPENAI_API_KEY=" + KEY.encode())
    with pytest.raises(ConfigError, match="NAME=VALUE") as caught:
        gathered({})
    assert KEY not in str(caught.value)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()  # a virtual environment of that name
    assert gathered({}) == {}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://localhost/v1", "http:// or https://"),
        ("localhost:8000", "http:// or https://"),
        ("http://", "name a host"),
        ("http://[::1/v1", "no address"),
        ("http://localhost:99999999/v1", "no address"),
        ("https://user:word@host.example/v1", "no user"),
        ("https://host.example/v1?key=abc", "no user, key"),
        ("http://host.example/v1", "not encrypted.*ssh -L"),
        ("http://192.168.1.20:8000/v1", "not encrypted"),
        ("http://127.0.0.1.evil.example/v1", "not encrypted"),
    ],
)
def test_addresses_that_are_refused(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        RemoteChat(BackendConfig(base_url=url), {"OPENAI_API_KEY": KEY})
    assert "word" not in str(caught.value).replace("key", "")
    assert KEY not in str(caught.value) and "abc" not in str(caught.value)


def test_addresses_that_are_taken(caplog: pytest.LogCaptureFixture) -> None:
    for url in ("http://localhost:1/v1", "http://127.9.9.9/v1", "http://[::1]:8000/v1", "https://api.example/v1"):
        assert resolve(BackendConfig(base_url=url), {}).url == url
    assert resolve(BackendConfig(base_url="http://[::1]:8000/v1"), {}).origin == "http://[::1]:8000"
    assert not caplog.records
    resolve(BackendConfig(base_url="http://gpu.example:8000/v1", allow_http=True), {})
    assert "not encrypted" in caplog.text


def test_nothing_configured_is_no_network() -> None:
    with pytest.raises(BackendUnavailable, match=r"no model server is set.*OPENAI_BASE_URL"):
        RemoteChat(BackendConfig(), {"OPENAI_API_KEY": KEY})


@pytest.mark.parametrize("key", ["sk a", "sk\nX-Evil: 1", "schlüssel"])
def test_a_key_that_no_header_can_carry(key: str) -> None:
    with pytest.raises(ConfigError, match="holds characters") as caught:
        resolve(BackendConfig(base_url="http://localhost:1/v1"), {"OPENAI_API_KEY": key})
    assert key not in str(caught.value)


def test_the_key_does_not_follow_a_redirect() -> None:
    with StandIn([FINE]) as thief, StandIn([Status(307, "", {"Location": f"{thief.url}/chat/completions"})]) as server:
        chat = RemoteChat(BackendConfig(base_url=server.url, served_model="m", pictures="never", sound="never"), {})
        try:
            with pytest.raises(PerStreamError, match="redirects elsewhere"):
                chat.reply((Message("user", ("x",)),), Sampling(), lambda _: None, lambda: False)
        finally:
            chat.close()
        assert thief.heard == []


def test_loopback_ignores_the_proxy_and_others_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    met: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            met.append(self.path)
            self.send_error(403)

        def log_message(self, *_: object) -> None:
            pass

    proxy = http.server.HTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.server_address[1]}")
    try:
        with talking([FINE]) as talk:
            assert talk.ask() == "Yes."
        assert met == []
        chat = RemoteChat(BackendConfig(base_url="https://model.example/v1"), {}, backoff_s=0.01)
        try:
            with pytest.raises(BackendUnavailable):
                chat.models()
        finally:
            chat.close()
        assert met == ["model.example:443"]
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://here")
    chat = RemoteChat(BackendConfig(base_url="https://model.example/v1"), {})
    with pytest.raises(ConfigError, match="proxy"):
        chat.models()
    chat.close()


def test_words_of_the_server_are_cleaned() -> None:
    assert cleaned(f"a\x00\n {KEY}\u202e b", KEY) == "a *** b"
    assert len(cleaned("x" * 5000, "")) == 200
    assert cleaned("", "k") == "(nothing)"


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command")
    pem = tmp_path / "self.pem"
    made = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {pem} -out {tmp_path / 'crt'}"
    subprocess.run([openssl, *made.split()], check=True, capture_output=True)
    pem.write_text(pem.read_text() + (tmp_path / "crt").read_text())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    with StandIn([FINE]) as server:
        server.wrap(context)
        url = server.url.replace("http://", "https://")
        chat = RemoteChat(BackendConfig(base_url=url), {"OPENAI_API_KEY": KEY}, backoff_s=0.01)
        try:
            with pytest.raises(BackendUnavailable, match=r"certificate .* is not trusted"):
                chat.models()
        finally:
            chat.close()
        assert server.heard == [], "nothing was said to it, the key least of all"
