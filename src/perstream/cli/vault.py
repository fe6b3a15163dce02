"""``perstream vault``: encryption of a store, and where its key is kept.

A daemon has to be stopped for everything but ``status``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from perstream.cli import options, output
from perstream.cli.passphrase import vault
from perstream.errors import ConfigError

if TYPE_CHECKING:
    from perstream.memory.locksmith import Locksmith, Rewritten
    from perstream.memory.vault import Vault

group = typer.Typer(
    help="Encrypt a store and its backups, and look after the key.", no_args_is_help=True, rich_markup_mode=None
)
Where = Literal["keyring", "file", "passphrase"]
KeyFrom = Annotated[
    Where | None,
    typer.Option("--key-from", help="Where the key is kept.", show_default="encryption.key_from"),
]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="The key's file.", show_default="in the user's settings folder")
]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="vault")


@group.command()
def status(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Say whether the store is encrypted, where its key is, and which backups anybody can read."""
    keys = vault(options.settings(config, store))
    found = keys.status()
    if as_json:
        output.emit({"store": str(keys.folder), **asdict(found)})
        return
    output.table(
        [
            ("store", str(keys.folder)),
            ("encrypted", _whether(keys, found.encrypted)),
            ("key", found.place + (" (NOT THERE)" if found.key_there is False else "")),
            ("backups", f"{found.backups}, of which anybody can read {found.plain_backups}"),
            *((("elsewhere", f"{found.unreachable_backups} not there now"),) if found.unreachable_backups else ()),
            *(() if found.sqlcipher else (("SQLCipher", "missing: pip install 'perstream[crypt]'"),)),
        ]
    )
    if found.unfinished:
        output.say("rewriting was broken off: do it once more; the store opens as it is", color="yellow")
    elif found.encrypted and found.plain_backups:
        output.say("`perstream vault encrypt` encrypts those backups too", color="yellow")


def _whether(keys: Vault, encrypted: bool) -> str:
    """A folder that somebody misspelled is not told as a store that anybody can read."""
    from perstream.memory.store import DATABASE

    if not (keys.folder / DATABASE).exists():
        return "there is no store yet"
    return "yes" if encrypted else "no"


@group.command()
def encrypt(
    key_from: KeyFrom = None,
    key_file: KeyFile = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Encrypt a store and its backups in place. Once more encrypts what could not be reached the first time."""
    smith = _locksmith(config, store, key_from, key_file)
    done = smith.encrypt()
    _told(done, "encrypted", as_json)
    if key_from is not None and not done.store and not as_json:
        output.say("its key stays where it is: `perstream vault move` keeps it elsewhere", color="yellow")


@group.command()
def decrypt(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Make a store and its backups readable for anybody who gets the files, and forget the key."""
    smith = _locksmith(config, store)
    if not yes and not as_json and not typer.confirm("Anybody who gets the files can read them then. Decrypt?"):
        raise typer.Exit(1)
    _told(smith.decrypt(), "decrypted", as_json)


@group.command()
def rekey(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Encrypt the store and its backups anew under a new key, kept where the old one is."""
    _told(_locksmith(config, store).rekey(), "encrypted anew", as_json)


@group.command()
def passphrase(
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option("--new-passphrase-file", help="File whose first line it is.", show_default="asked for"),
    ] = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Choose another passphrase, or the first one; the key is then sealed by it and kept nowhere else."""
    moved = _locksmith(config, store).move("passphrase", None, new_passphrase_file)
    output.emit({"kept": moved.kept}) if as_json else output.say("the store opens with the new passphrase now")


@group.command()
def move(
    to: Annotated[Where, typer.Option("--to", help="Where the key is kept from now on.")],
    key_file: KeyFile = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Keep the key elsewhere. What is encrypted stays as it is; the key that was kept before opens it no more."""
    if to == "passphrase":
        raise ConfigError("`perstream vault passphrase` seals the key by a passphrase")
    settings = options.settings(config, store)
    keys = vault(settings)
    named = Path(settings.encryption.key_file) if settings.encryption.key_file else None
    moved = _smith(keys).move(to, key_file or named)
    output.emit({"kept": moved.kept}) if as_json else output.say(f"the key is {keys.place(moved)}")


def _locksmith(
    config: Path | None, store: Path | None, key_from: Where | None = None, key_file: Path | None = None
) -> Locksmith:
    flags = {"encryption__key_from": key_from, "encryption__key_file": str(key_file) if key_file else None}
    return _smith(vault(options.settings(config, store, **flags)))


def _smith(keys: Vault) -> Locksmith:
    from perstream.memory.locksmith import Locksmith

    return Locksmith(keys)


def _told(done: Rewritten, verb: str, as_json: bool) -> None:
    if as_json:
        output.emit(asdict(done))
        return
    backups = f"{done.backups} backup{'' if done.backups == 1 else 's'}"
    output.say(f"{verb}: {'the store' if done.store else 'the store was so already'}, {backups}")
    for path, why in done.left:
        output.say(f"not {verb}: {path}: {why}", color="yellow")
    if done.unreachable:
        output.say(f"{done.unreachable} backups that were made elsewhere are not there now and stay as they were")
