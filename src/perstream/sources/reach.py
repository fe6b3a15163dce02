"""Where a stream may come from: not from this machine itself, nor from addresses that only machines talk to.

Checked is every address that a name stands for, at the moment a connection is made (see relay.py), so that neither
a redirect, nor a playlist, nor a name that means something else the second time leads anywhere else. Cameras live in
the local network: private addresses are fine.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable

from perstream.errors import SourceError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"))
)
"""Where clouds tell a machine its secrets."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)
"""What the system's resolver takes for an IPv4 address, in any of its spellings."""


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a host as text. SourceError when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceError(f"no address is known for {host[:100]}") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_own(address: Address) -> bool:
    """Whether this machine has this address: then a socket can be bound to it."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


class Reach:
    """What one source may connect to."""

    def __init__(
        self,
        first: str,
        allow: Iterable[str],
        resolver: Callable[[str, int], list[str]] = resolve,
        own: Callable[[Address], bool] = is_own,
    ) -> None:
        """``first`` is the host of the source's own address; ``allow`` names hosts and addresses that are always fine."""
        self._first = plain_host(first)
        self._allow = frozenset(plain_host(host) for host in allow)
        self._resolve = resolver
        self._own = own
        self._began_outside = False

    def addresses(self, host: str, port: int) -> list[str]:
        """Where to connect to for a host: checked addresses. SourceError says why not."""
        host = plain_host(host)
        if not 0 < port < 65536:
            raise SourceError("a port is 1 to 65535")
        allowed = "*" in self._allow or host in self._allow
        if not allowed and _NUMBER.fullmatch(host) and not _is_address(host):
            raise SourceError(f"{host[:60]} is an unusual way to write an address; write four decimal numbers")
        found = self._resolve(host, port)
        if not found:
            raise SourceError(f"no address is known for {host[:100]}")
        carried = [inner(ipaddress.ip_address(text.partition("%")[0])) for text in found]
        if not allowed:
            for address in carried:
                self._check(host, address)
        if host == self._first:
            self._began_outside = all(address.is_global for address in carried)
        return found

    def _check(self, host: str, address: Address) -> None:
        if str(address) in self._allow:
            return
        why = self._refusal(address)
        if why is not None:
            raise SourceError(f"{host[:100]} is {why}: name it in source.allow_hosts if that is meant")
        if self._began_outside and host != self._first and not address.is_global:
            raise SourceError(f"a server outside leads to {host[:100]} in the local network: refused")

    def _refusal(self, address: Address) -> str | None:
        if address in METADATA or address.is_link_local:
            return "a link-local or a cloud's own address"
        if address.is_loopback:  # ::1 counts as reserved, too
            return "this machine itself"
        if address.is_unspecified or address.is_multicast or address.is_reserved or address in _THIS_NETWORK:
            return "no machine's address"
        return "this machine itself" if self._own(address) else None


def plain_host(host: str) -> str:
    """As it is compared: lower case, no brackets, no dot at the end."""
    return host.strip().strip("[]").rstrip(".").lower()


def inner(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only carries it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    carried = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if carried is None and int(address) >> 32 == 0 and int(address) > 1:  # ::a.b.c.d, long out of use
        carried = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return carried or address


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
