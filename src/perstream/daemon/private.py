"""The side of the house that keeps things private: what is given up with age, and what may leave this machine."""

from __future__ import annotations

from perstream.daemon.aging import Aging
from perstream.daemon.delivery import Delivery
from perstream.daemon.network import network_of
from perstream.daemon.privacy_status import AgeReport, Network
from perstream.daemon.watching import Watching


class Private(Watching):
    """Every method may be called from any thread."""

    _aging: Aging
    _delivery: Delivery

    def retention(self, dry_run: bool = True) -> AgeReport:
        """What the retention rules would remove now; without ``dry_run`` it is removed. StoreError."""
        return self._aging.report() if dry_run else self._aging.by_hand()

    def network(self) -> Network:
        """What may leave this machine, and what did."""
        return network_of(
            self.config,
            self._backend.name,
            self.sources(),
            self._backend.sent(),
            self._delivery.counts,
            self._delivery.bytes_sent,
        )
