"""Which ways to the owner the settings ask for."""

from __future__ import annotations

import logging

from perstream.config import DeliveryConfig
from perstream.daemon.delivery import Channel
from perstream.daemon.delivery_desktop import DesktopChannel
from perstream.daemon.delivery_voice import VoiceChannel
from perstream.daemon.delivery_webhook import WebhookChannel

log = logging.getLogger(__name__)


def channels_of(config: DeliveryConfig) -> list[Channel]:
    """The channels that are switched on and that this system has. ConfigError for a webhook that must not be."""
    found: list[Channel] = [WebhookChannel(config)] if config.webhook else []
    wanted: tuple[tuple[bool, str, Channel | None], ...] = (
        (config.notify, "delivery.notify: no notify-send, osascript or PowerShell here", DesktopChannel.find()),
        (config.speak, "delivery.speak: no espeak-ng, espeak, spd-say, say or PowerShell here", VoiceChannel.find()),
    )
    for on, missing, channel in wanted:
        if on and channel is not None:
            found.append(channel)
        elif on:
            log.warning(missing)
    return found
