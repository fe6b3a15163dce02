"""Several persons on one machine: one cannot read the other's, and what is removed is gone."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import httpx
import pytest
from cli_world import Cli

from perstream.app import build
from perstream.cli.profile import own_ports
from perstream.config import Config, ServerConfig
from perstream.errors import ConfigError
from perstream.places import profiles, store_folder
from perstream.settings import load
from perstream.web.client import Client
from perstream.web.server import Server
from perstream.web.token import read_token

BAD = ["../anna", "a/b", "/tmp/x", "..", ".", "Anna", "a b", "a\x00b", "a" * 33, "", "-a", "ä"]


def config(cli: Cli, profile: str) -> Config:
    return load(environ={}, overrides={"store": str(cli.store), "profile": profile, "backend.name": "scripted"})


def test_before_and_after_the_command(cli: Cli) -> None:
    cli("remember", "I like tea")
    cli("--profile", "anna", "remember", "I like coffee")
    for args in (("--profile", "anna", "memories", "--json"), ("memories", "--profile", "anna", "--json")):
        assert [one["caption"] for one in cli(*args).json] == ["I like coffee"]
    assert [one["caption"] for one in cli("memories", "--json").json] == ["I like tea"]
    assert cli("--profile", "ben", "memories", "--profile", "anna", "--json").json != []
    assert cli("memory", "audit", "--profile", "anna", "--json").json[0]["clean"]


def test_the_environment_chooses_one_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("--profile", "anna", "remember", "I like coffee")
    monkeypatch.setenv("PERSTREAM_PROFILE", "anna")
    assert [one["caption"] for one in cli("memories", "--json").json] == ["I like coffee"]


@pytest.mark.parametrize("name", [name for name in BAD if name != "-a" and "\x00" not in name])
def test_names_are_no_paths(cli: Cli, name: str) -> None:
    for args in (
        ("--profile", name, "memories"),
        ("memories", "--profile", name),
        ("profiles", "remove", name, "--yes"),
    ):
        ran = cli(*args)
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert not cli.store.exists()


@pytest.mark.parametrize("name", [name for name in BAD if name])
def test_no_settings_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(ConfigError):
        store_folder(Config(store="/nowhere", profile=name))
    with pytest.raises(ConfigError):
        load(environ={}, overrides={"profile": name})


def test_folders_are_the_owners_alone(cli: Cli) -> None:
    cli("--profile", "anna", "remember", "I like coffee")
    for folder in (cli.store, cli.store / "profiles", cli.store / "profiles/anna"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_list_and_remove(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "I like tea")
    cli("--profile", "anna", "remember", "My secret is saffron")
    assert cli("--profile", "anna", "memory", "backup").code == 0
    assert cli("--profile", "anna", "memory", "backup", str(tmp_path / "away.db")).code == 0
    assert [(one["name"], one["memories"], one["daemon"]) for one in cli("profiles", "--json").json] == [
        ("", 1, None),
        ("anna", 1, None),
    ]
    assert cli("profiles").out.splitlines()[1].split() == ["anna", "1", "memory", "no", "daemon"]
    assert cli("profiles", "remove", "ben", "--yes").code == 7
    (done,) = cli("profiles", "remove", "anna", "--yes", "--json").json
    assert done["backups_elsewhere"] == [str(tmp_path / "away.db")]
    assert profiles(config(cli, "")) == []
    left = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not [file for file in left if b"saffron" in file.read_bytes() or "anna" in str(file.relative_to(tmp_path))]
    assert [one["caption"] for one in cli("memories", "--json").json] == ["I like tea"]


def test_the_key_of_an_encrypted_one_goes_with_it(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("PERSTREAM_ENCRYPTION_ENABLED", "true")
    monkeypatch.setenv("PERSTREAM_ENCRYPTION_KEY_FROM", "file")
    assert cli("--profile", "anna", "remember", "My secret is saffron").code == 0
    assert list((tmp_path / "settings").rglob("*.key"))
    assert cli("profiles", "remove", "anna", "--yes").code == 0
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_removing_leaves_a_link_alone(cli: Cli, tmp_path: Path) -> None:
    cli("remember", "I like tea")
    (cli.store / "profiles").mkdir()
    (cli.store / "profiles/anna").symlink_to(cli.store, target_is_directory=True)
    assert cli("profiles", "remove", "anna", "--yes").code == 5
    assert len(cli("memories", "--json").json) == 1


def test_neither_tokens_nor_clients_reach_the_other(cli: Cli) -> None:
    anna, ben = config(cli, "anna"), config(cli, "ben")
    with (
        build(anna) as one,
        build(ben) as other,
        Server(one, ServerConfig(port=0), one.store) as hers,
        Server(other, ServerConfig(port=0), other.store) as his,
    ):
        one.tell("I like coffee")
        other.tell("I like tea")
        for url, own, foreign in ((hers.url, one.store, other.store), (his.url, other.store, one.store)):
            for token, status in ((read_token(own), 200), (read_token(foreign), 401)):
                headers = {"Authorization": f"Bearer {token}"}
                answer = httpx.get(f"{url}/v1/memories", headers=headers, trust_env=False)
                assert answer.status_code == status
        with Client(one.store) as client:
            assert [record.text for record in client.memories()] == ["I like coffee"]
        listed = {one["name"]: one["daemon"] for one in cli("profiles", "--json").json}
        assert listed == {"": None, "anna": hers.url, "ben": his.url}
        assert [record["caption"] for record in cli("memories", "--profile", "ben", "--json").json] == ["I like tea"]
        assert cli("profiles", "remove", "ben", "--yes").code == 6


def test_a_profiles_daemon_stands_beside_the_first(cli: Cli) -> None:
    assert own_ports(Config()) == Config()
    chosen = Config(profile="anna", server=ServerConfig(port=4242))
    assert own_ports(chosen) == chosen
    port = own_ports(Config(profile="anna")).server.port
    assert port != ServerConfig().port
    assert port in (0, own_ports(Config(profile="anna")).server.port)
    if port:
        with socket.create_server(("127.0.0.1", port)):
            assert own_ports(Config(profile="anna")).server.port == 0
