"""What a store still has to write when it is closed; a disk that is full must not keep it open."""

from __future__ import annotations

import logging

from perstream.errors import StoreError
from perstream.memory.feedback import Feedback
from perstream.memory.store import Store
from perstream.memory.visits import Visits
from perstream.memory.writes import write_visits

log = logging.getLogger(__name__)


def settle(store: Store, visits: Visits, feedback: Feedback) -> None:
    """Write visits and silences, where they can be written: neither was acknowledged, and memories are on disk long since."""
    try:
        feedback.flush()
        taken = visits.take()
        if taken:
            with store.writing() as connection:
                write_visits(connection, taken)
    except StoreError as error:
        log.warning("what was recalled and held back of late is not noted: %s", error)
