"""What the house does for itself, as Prometheus families: chores, backups, the watchdog, alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client.metrics_core import Metric

from perstream.daemon.appstatus import AppStatus
from perstream.web.metrics import counter, counters, gauge, gauges

RULES = ("source_gone", "disk_low", "budget", "latency", "backup_overdue", "stuck", "store_errors", "clock_jump")


def of_upkeep(status: AppStatus) -> Iterator[Metric]:
    """One family after another."""
    alerts = Counter(dict.fromkeys(RULES, 0))
    alerts.update(one.rule for one in status.alerts)
    yield gauges("alerts_active", "Alerts in force, by rule", "rule", alerts)
    yield counters("chores_done", "Chores done", "chore", {one.name: one.done for one in status.chores})
    yield counters("chores_failed", "Chores that failed", "chore", {one.name: one.failed for one in status.chores})
    running = {one.name: one.running_s for one in status.chores}
    yield gauges("chore_running_seconds", "For how long a chore has been running; 0 when it is not", "chore", running)
    done_at = {one.name: one.done_at.timestamp() for one in status.chores if one.done_at is not None}
    yield gauges("chore_last_done_timestamp_seconds", "When a chore was done last", "chore", done_at)
    backups = status.backups
    yield gauge("backup_interval_seconds", "backup.every_h; 0 is never", backups.every_h * 3600)
    yield gauge("backups_kept", "Backups in the folder that the daemon made", backups.kept)
    yield counter("backups_made", "Backups made and verified since the start", backups.made)
    yield counter("backups_failed", "Backups that failed since the start", backups.failed)
    if backups.newest is not None:
        made = backups.newest.timestamp()
        yield gauge("backup_newest_timestamp_seconds", "When the newest verified backup was made", made)
    watchdog = status.watchdog
    yield gauge("stuck_steps", "Steps that have been taking too long at this moment", len(watchdog.stuck))
    yield counters("stuck_found", "Steps found stuck, by kind", "kind", watchdog.found)
    yield counter("model_calls_given_up", "Model calls cancelled because they hung", watchdog.given_up)
    yield counter("perceivers_replaced", "Perceiving threads left behind and replaced", watchdog.replaced)
    yield gauge("shedding_keep_one_in", "Of live keyframes one in so many is looked at", watchdog.keep_one_in)
    yield counter("shedding_seconds", "For how long load has been shed", watchdog.shed_s)
    yield gauge("oldest_work_wait_seconds", "How long the oldest work of a live source has waited", watchdog.waiting_s)
