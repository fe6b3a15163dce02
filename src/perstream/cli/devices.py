"""``perstream devices``: phones and other devices that may come in over the local network."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from perstream.cli import options, output
from perstream.errors import BackendUnavailable
from perstream.places import store_folder

if TYPE_CHECKING:
    from perstream.web.pairing import Invitation


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Devices of the local network (perstream serve --lan): list, revoke, pair.", no_args_is_help=True
    )
    group.command("list")(listed)
    group.command()(revoke)
    group.command()(pair)
    app.add_typer(group, name="devices")


def listed(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Say which devices were paired, and when."""
    from perstream.web.devices import Devices

    devices = Devices(store_folder(options.settings(config, store))).listed()
    if as_json:
        output.emit({"devices": [{"name": one.name, "paired_at": one.paired_at} for one in devices]})
        return
    for one in devices:
        output.say(f"{output.safe(one.name)}  paired {output.safe(one.paired_at)}")
    if not devices:
        output.say("no device was paired")


def revoke(
    name: Annotated[str, typer.Argument(help="What the device is called; see: perstream devices list.")],
    store: options.Store = None,
    config: options.ConfigFile = None,
    as_json: options.Json = False,
) -> None:
    """Let a device in no more; a daemon that runs refuses it from its next request on."""
    from perstream.web.devices import Devices

    Devices(store_folder(options.settings(config, store))).revoke(name)
    output.emit({"revoked": name}) if as_json else output.say(f"revoked {output.safe(name)}")


def pair(store: options.Store = None, config: options.ConfigFile = None, as_json: options.Json = False) -> None:
    """Show a new code for one device; the daemon must run with --lan."""
    from perstream.errors import NotFound
    from perstream.web.address import find_daemon
    from perstream.web.pairing import Invitation
    from perstream.web.token import read_token
    from perstream.web.transport import Transport

    folder = store_folder(options.settings(config, store))
    start = f"start one with: perstream serve --lan --store {folder}"
    daemon = find_daemon(folder)
    if daemon is None:
        raise BackendUnavailable(f"no daemon serves {folder}; {start}")
    wire = Transport(daemon.url, read_token(folder))
    try:
        invitation = Invitation(**wire.call("POST", "/v1/pair/code"))
    except NotFound as error:
        raise BackendUnavailable(f"the daemon that serves {folder} does not serve the network; {start}") from error
    finally:
        wire.close()
    output.emit(invitation) if as_json else show(invitation)


def show(invitation: Invitation) -> None:
    """The address as text and as a QR code, and what to compare."""
    try:
        import segno
    except ImportError as error:
        raise BackendUnavailable("a QR code needs: pip install 'perstream[lan]' (segno is missing)") from error
    drawn = io.StringIO()
    segno.make(invitation.url, micro=False, error="l").terminal(drawn, border=2, compact=True)
    output.say(f"pair one device within {invitation.good_s / 60:.0f} minutes; it opens")
    output.say(f"  {invitation.url}")
    output.say("its browser will warn, because the certificate is this machine's own; compare its SHA-256 fingerprint:")
    output.say(f"  {invitation.fingerprint}")
    try:
        drawn.getvalue().encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return  # this terminal cannot draw it; the address can be typed
    output.say(drawn.getvalue())
