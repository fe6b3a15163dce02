"""Faces: a lower bound of the people in view. Silence says nothing, identity is never judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from perstream.perception.faces import SIDE, Face, FaceFinder
from perstream.perception.view import View
from perstream.types import Keyframe, Observation, ObservationKind

INTERVAL_S = 1.5
"""At most one search per this many seconds of video (20 ms each)."""
Known = Callable[[Keyframe], Sequence[Face] | None]
"""Faces that were found in a keyframe before they were hidden; None where nobody looked."""


class PeopleObserver:
    """Counts faces."""

    def __init__(self, known: Known | None = None) -> None:
        """``known``: where faces are hidden before anybody sees them, who hides them says how many there were.

        Raises BackendUnavailable.
        """
        self._known = known
        self._finder = FaceFinder() if known is None else None
        self._next_s = float("-inf")

    def see(self, view: View) -> tuple[Observation, ...]:
        """One observation with the number of faces, or nothing."""
        if view.pts_s < self._next_s:
            return ()
        self._next_s = view.pts_s + INTERVAL_S
        faces = self._faces(view)
        if not faces:
            return ()
        height, width = view.rgb.shape[:2]
        left, top = (min(face.box[i] for face in faces) for i in (0, 1))
        right, bottom = (max(face.box[i] for face in faces) for i in (2, 3))
        score = min(face.agreeing / (face.agreeing + 3) for face in faces)
        box = (left * width, top * height, right * width, bottom * height)
        return (view.saw(ObservationKind.PEOPLE, str(len(faces)), score, box),)

    def _faces(self, view: View) -> Sequence[Face]:
        if self._finder is not None:
            return self._finder.count(view.shrunk(SIDE))
        known = self._known(view.keyframe) if self._known is not None else None
        return [face for face in known or () if face.sure]
