"""What is taken out of pictures before anything else sees them: masked regions, and faces where that is asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from perstream.config_privacy import PrivacyConfig
from perstream.daemon.status import SourceRequest, without_login
from perstream.errors import ConfigError
from perstream.perception.faces import Face, FaceFinder
from perstream.privacy.cover import Box
from perstream.privacy.faces import FacelessPicture, Trail
from perstream.privacy.masks import MOST, MaskedPicture, Masks, Region, region_of
from perstream.sources import Source
from perstream.types import ByteArray, Frame, Keyframe, Picture, SourceItem

KEPT = 512
"""Pictures whose faces are still known by number, for whoever counts them: all that may wait to be perceived."""


class Veil:
    """One for the house. Every method may be called from any thread."""

    def __init__(self, config: PrivacyConfig) -> None:
        """ConfigError for a mask that is none; BackendUnavailable where faces are to be hidden and cannot be found."""
        self._masks = Masks(config.masks)
        self.hides_faces = config.blur_faces
        if self.hides_faces:
            FaceFinder(hiding=True)  # say it now, not when a camera is already running
        self._known: OrderedDict[tuple[str, datetime], tuple[Face, ...]] = OrderedDict()
        self._over: dict[str, tuple[Region, ...]] = {}
        self._lock = threading.Lock()

    def over(self, source: Source, request: SourceRequest) -> Source:
        """The source as everybody may see it."""
        regions = (*(region_of(mask) for mask in request.masks), *self._masks.of(_names(source.name, request.uri)))
        return VeiledSource(source, tuple(dict.fromkeys(regions)), self)

    def begun(self, name: str, regions: tuple[Region, ...]) -> None:
        """A source of this name is being read, without these regions."""
        with self._lock:
            self._over[name] = regions

    def regions(self, name: str) -> tuple[Region, ...]:
        """The masked regions of a source; of one that was not read yet those that the settings name."""
        found = self._over.get(name)
        return self._masks.of([name]) if found is None else found

    def covers(self, name: str, uri: str) -> bool:
        """Whether anything is taken out of this source's pictures: then its recording may not be shown either."""
        return self.hides_faces or bool(self.regions(name) or self._masks.of(_names(name, uri)))

    def alone(self, picture: Picture) -> Picture:
        """A picture that belongs to no source, such as one to search by."""
        everywhere = self._masks.of(())
        shown: Picture = MaskedPicture(picture, everywhere) if everywhere else picture
        if not self.hides_faces:
            return shown
        finder = FaceFinder(hiding=True)
        return FacelessPicture(shown, 0.0, lambda gray: [face.box for face in finder.hide(gray)], Trail())

    def faces(self, keyframe: Keyframe) -> Sequence[Face] | None:
        """What was hidden in a keyframe and could be a face; None when nobody looked."""
        return self._known.get((keyframe.source, keyframe.captured_at))

    def found(self, source: str, at: datetime, faces: Sequence[Face]) -> None:
        """Faces were hidden in the picture captured at this time."""
        with self._lock:
            self._known[source, at] = tuple(faces)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)


class VeiledSource:
    """A source whose frames hold veiled pictures; all else is the source's own."""

    def __init__(self, inner: Source, regions: tuple[Region, ...], veil: Veil) -> None:
        self._inner = inner
        self._regions = regions
        self._veil = veil
        self._trail = Trail()
        self._finder = FaceFinder(hiding=True) if veil.hides_faces else None

    @property
    def name(self) -> str:
        """The source's."""
        return self._inner.name

    @property
    def live(self) -> bool:
        """The source's."""
        return self._inner.live

    @property
    def start_time(self) -> datetime:
        """The source's."""
        return self._inner.start_time

    @property
    def duration_s(self) -> float | None:
        """The source's."""
        return self._inner.duration_s

    @property
    def dropped(self) -> Mapping[str, int]:
        """The source's."""
        return self._inner.dropped

    def stream(self) -> Iterator[SourceItem]:
        """Its items, with veiled pictures."""
        self._veil.begun(self.name, self._regions)
        if not self._regions and self._finder is None:
            yield from self._inner.stream()
            return
        for item in self._inner.stream():
            yield replace(item, picture=self._veiled(item)) if isinstance(item, Frame) else item

    def close(self) -> None:
        """Close the source."""
        self._inner.close()

    def _veiled(self, frame: Frame) -> Picture:
        picture: Picture = MaskedPicture(frame.picture, self._regions) if self._regions else frame.picture
        finder = self._finder
        if finder is None:
            return picture

        def find(gray: ByteArray) -> list[Box]:
            faces = finder.hide(gray)
            self._veil.found(frame.source, frame.captured_at, faces)
            return [face.box for face in faces]

        return FacelessPicture(picture, frame.pts_s, find, self._trail)


def checked_masks(masks: Iterable[str]) -> tuple[str, ...]:
    """Each ``X Y W H``, as it was understood. ConfigError."""
    found = tuple(str(region_of(mask)) for mask in masks)
    if len(found) > MOST:
        raise ConfigError(f"a source can have {MOST} masks at most; join some")
    return found


def _names(name: str, uri: str) -> list[str]:
    """What the owner may call a source: its name, its address without login (and query), its path."""
    address = without_login(uri)
    names = [name, address, address.partition("?")[0]]
    if "://" not in uri:
        names.append(str(Path(uri).expanduser().absolute()))
    return names
