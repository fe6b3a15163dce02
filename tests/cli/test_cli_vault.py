"""Encryption from the command line: in place, with prompts, and with keys in nobody's sight."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_world import Cli

from perstream.errors import StoreBusy, StoreError
from perstream.memory import keyfile
from perstream.memory.engine import is_plain
from perstream.memory.lock import WriterLock

WORDS = "correct horse battery"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyfile, "SCRYPT_N", 2**10)
    monkeypatch.setenv("PERSTREAM_ENCRYPTION_KEY_FROM", "file")


class Person:
    """Sits at the terminal and types what was prepared."""

    def __init__(self, *typed: str) -> None:
        self.typed = list(typed)
        self.asked: list[str] = []

    def __call__(self, prompt: str = "") -> str:
        self.asked.append(prompt)
        return self.typed.pop(0)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Person]:
    def sit(*typed: str) -> Person:
        one = Person(*typed)
        monkeypatch.setattr(getpass, "getpass", one)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        return one

    return sit


def captions(cli: Cli) -> list[str]:
    return [memory["caption"] for memory in cli("memories", "--json").json]


def test_a_store_is_encrypted_used_and_decrypted(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("remember", "Anna likes tea")
    copy = tmp_path / "copy.db"
    cli("memory", "backup", str(copy))
    (before,) = cli("vault", "status", "--json").json
    assert (before["encrypted"], before["plain_backups"], before["kept"]) == (False, 1, None)

    (done,) = cli("vault", "encrypt", "--key-file", str(tmp_path / "mine.key"), "--json").json
    assert done == {"store": True, "backups": 1, "left": [], "unreachable": 0}
    (after,) = cli("vault", "status", "--json").json
    assert (after["encrypted"], after["plain_backups"], after["kept"]) == (True, 0, "file")
    assert after["place"].endswith("mine.key")
    assert not is_plain(cli.store / "memory.db")
    assert not is_plain(copy)

    assert captions(cli) == ["Anna likes tea"]
    cli("remember", "Ben likes coffee")
    assert "MB encrypted" in cli("status").out
    assert cli("memory", "audit", "--json").json[0]["clean"]
    exported = tmp_path / "all.jsonl"
    assert cli("memory", "export", str(exported)).code == 0
    assert exported.read_text().count("likes") >= 2
    assert cli("memory", "rebuild").code == 0
    assert cli("vault", "rekey").code == 0
    assert cli("memory", "restore", str(copy), "--json").json[0]["memories"] == 1
    assert cli("memory", "import", str(exported)).code == 0
    assert sorted(captions(cli)) == ["Anna likes tea", "Ben likes coffee"]

    with monkeypatch.context() as patch:
        patch.setattr("typer.confirm", lambda _: False)
        assert cli("vault", "decrypt").code == 1
    assert not is_plain(cli.store / "memory.db")
    assert cli("vault", "decrypt", "--yes").code == 0
    assert is_plain(cli.store / "memory.db")
    assert not (tmp_path / "mine.key").exists()
    assert len(captions(cli)) == 2


def test_a_new_store_is_encrypted_when_the_settings_say_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSTREAM_ENCRYPTION_ENABLED", "true")
    assert cli("remember", "Anna likes tea").code == 0
    assert not is_plain(cli.store / "memory.db")
    monkeypatch.delenv("PERSTREAM_ENCRYPTION_ENABLED")
    assert captions(cli) == ["Anna likes tea"]


def test_the_passphrase_is_asked_for_once_a_command(cli: Cli, person: Callable[..., Person]) -> None:
    cli("remember", "Anna likes tea")
    someone = person("typo", "not the same", WORDS, WORDS)
    assert cli("vault", "encrypt", "--key-from", "passphrase").code == 0
    assert [prompt.split()[0] for prompt in someone.asked] == ["New", "The", "New", "The"]
    someone = person(WORDS)
    assert captions(cli) == ["Anna likes tea"]
    assert len(someone.asked) == 1
    made = cli.store.parent / "copy.db"
    person(WORDS)
    assert cli("memory", "backup", str(made)).code == 0
    someone = person(WORDS)
    assert cli("memory", "restore", str(made)).code == 0
    assert len(someone.asked) == 1
    person("wrong horse battery")
    ran = cli("memories")
    assert (ran.code, ran.out) == (StoreError.exit_code, "")
    assert ran.err.startswith("perstream: wrong passphrase for ")
    assert len(ran.err.splitlines()) == 1
    person(WORDS, "another horse battery", "another horse battery")
    assert cli("vault", "passphrase").code == 0
    person("another horse battery")
    assert captions(cli) == ["Anna likes tea"]
    person("a", "b", "a", "b", "a", "b", "another horse battery")
    ran = cli("vault", "encrypt", "--key-from", "passphrase")
    assert ran.code == StoreError.exit_code


def test_without_a_terminal_it_is_the_environment_or_a_file(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("remember", "Anna likes tea")
    monkeypatch.setenv("PERSTREAM_PASSPHRASE", WORDS)
    assert cli("vault", "encrypt", "--key-from", "passphrase").code == 0
    assert captions(cli) == ["Anna likes tea"]
    monkeypatch.delenv("PERSTREAM_PASSPHRASE")
    ran = cli("memories")
    assert ran.code == StoreError.exit_code
    assert "PERSTREAM_PASSPHRASE" in ran.err
    (tmp_path / ".env").write_text(f'PERSTREAM_PASSPHRASE="{WORDS}"\n')
    assert captions(cli) == ["Anna likes tea"]
    (tmp_path / ".env").unlink()
    words = tmp_path / "words"
    words.touch(0o600)
    words.write_text(WORDS + "\n")
    monkeypatch.setenv("PERSTREAM_ENCRYPTION_PASSPHRASE_FILE", str(words))
    assert captions(cli) == ["Anna likes tea"]
    assert cli("vault", "move", "--to", "file").code == 0
    words.unlink()
    assert captions(cli) == ["Anna likes tea"]


def test_a_folder_without_a_store_is_not_told_as_a_plain_store(cli: Cli) -> None:
    assert "there is no store yet" in cli("vault", "status").out
    cli("remember", "Anna likes tea")
    assert "no store" not in cli("vault", "status").out


def test_a_store_that_somebody_writes_to_is_not_touched(cli: Cli) -> None:
    cli("remember", "Anna likes tea")
    lock = WriterLock(cli.store / "writer.lock")
    try:
        for command in (["encrypt"], ["rekey"], ["decrypt", "--yes"], ["passphrase"], ["move", "--to", "file"]):
            assert cli("vault", *command).code == StoreBusy.exit_code
        assert cli("vault", "status").code == 0
    finally:
        lock.release()


@pytest.mark.parametrize(
    ("command", "said", "code"),
    [
        (["rekey"], "is not encrypted", 5),
        (["decrypt", "--yes"], "is not encrypted", 5),
        (["move", "--to", "passphrase"], "vault passphrase", 2),
    ],
)
def test_what_cannot_be_done_is_said(cli: Cli, command: list[str], said: str, code: int) -> None:
    cli("remember", "Anna likes tea")
    ran = cli("vault", *command)
    assert ran.code == code
    assert said in ran.err


def test_no_key_is_told_to_anybody(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in what is printed and logged nor in what other programs see of this one."""
    cli("remember", "Anna likes tea")
    monkeypatch.setenv("PERSTREAM_PASSPHRASE", WORDS)
    said = [cli("-v", "vault", *rest.split()) for rest in ("encrypt --key-from passphrase", "status", "rekey --json")]
    said.append(cli("-v", "memories"))
    assert all(ran.code == 0 for ran in said)
    assert WORDS not in "".join(ran.out + ran.err for ran in said)
    files = [file for file in cli.store.parent.rglob("*") if file.is_file()]
    assert not [file for file in files if WORDS.encode() in file.read_bytes()]
    assert WORDS.encode() not in Path(f"/proc/{os.getpid()}/cmdline").read_bytes()


def test_a_wrong_passphrase_is_said_before_a_model_is_loaded(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("remember", "Anna likes tea")
    monkeypatch.setenv("PERSTREAM_PASSPHRASE", WORDS)
    cli("vault", "encrypt", "--key-from", "passphrase")
    monkeypatch.setenv("PERSTREAM_PASSPHRASE", "wrong horse battery")

    def load(*_: object) -> None:
        raise AssertionError("it takes minutes")

    monkeypatch.setattr("perstream.app.load_backend", load)
    assert "wrong passphrase" in cli("ask", "Who likes tea?").err
