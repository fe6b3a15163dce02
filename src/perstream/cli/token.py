"""``perstream token``: the owner's secret, and further ones that may do less."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Annotated

import typer

from perstream.cli import options, output
from perstream.places import store_folder

Days = Annotated[int | None, typer.Option("--days", help="Good for so many days.", show_default="until it is revoked")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Tokens of the daemon's API: list, create with a scope, revoke; rotate the owner's.", no_args_is_help=True
    )
    group.command("list")(listed)
    group.command()(create)
    group.command()(revoke)
    group.command()(rotate)
    app.add_typer(group, name="token")


def listed(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Say which tokens are out besides the owner's, what each may do and until when. Never the tokens themselves."""
    from perstream.web.tokens import Tokens

    tokens, now = Tokens(store_folder(options.settings(config, store))).listed(), datetime.now(timezone.utc)
    if as_json:
        members = ("name", "scope", "made_at", "expires_at")
        output.emit({"tokens": [{k: getattr(one, k) for k in members} | {"over": one.over(now)} for one in tokens]})
        return
    for one in tokens:
        ends = "is over" if one.over(now) else f"until {one.expires_at}" if one.expires_at else "until it is revoked"
        output.say(output.safe(f"{one.name}  {one.scope}  made {one.made_at}, {ends}"))
    if not tokens:
        output.say("no token is out besides the owner's")


def create(
    name: Annotated[str, typer.Argument(help="What it is for; to revoke it by.")],
    scope: Annotated[
        str, typer.Option("--scope", help="What it may do: read, ask, write or admin; each includes those before.")
    ],
    days: Days = None,
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Make a token and show it once: of it only a digest is kept."""
    from perstream.web.scopes import scope_named
    from perstream.web.tokens import Tokens

    folder = store_folder(options.settings(config, store))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    token, secret = Tokens(folder).create(name, scope_named(scope), days)
    if as_json:
        output.emit({"name": token.name, "scope": token.scope, "expires_at": token.expires_at, "token": secret})
        return
    output.say(f"this token may {token.scope}; it is shown this once:")
    output.say(f"  {secret}")


def revoke(
    name: Annotated[str, typer.Argument(help="What the token is called; see: perstream token list.")],
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Let a token in no more; a daemon that runs refuses it from its next request on."""
    from perstream.web.tokens import Tokens

    Tokens(store_folder(options.settings(config, store))).revoke(name)
    output.emit({"revoked": name}) if as_json else output.say(f"revoked {output.safe(name)}")


def rotate(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Put a new owner's token in the place of the old one, which is refused at once; the page asks for the new one."""
    from perstream.errors import StoreError
    from perstream.web.token import rotate_token, token_file

    folder = store_folder(options.settings(config, store))
    if not folder.is_dir():
        raise StoreError(f"there is no store {folder}; perstream serve --store {folder} makes it, and its token")
    rotate_token(folder)
    (folder / "open.html").unlink(missing_ok=True)  # it leads to the page with the old one
    where = token_file(folder)
    output.emit({"token_file": str(where)}) if as_json else output.say(
        f"the new token is in {where}; open the page again with: perstream open"
    )
