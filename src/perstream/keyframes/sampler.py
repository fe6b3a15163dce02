"""The sampler: which frames of a source are worth a closer look, decided by optical flow."""

from __future__ import annotations

import cv2

from perstream.config import KeyframeConfig
from perstream.keyframes.cells import Noise
from perstream.keyframes.cuts import NO_STRUCTURE, is_cut
from perstream.keyframes.flow import Shift, optical_flow
from perstream.keyframes.pair import UPSET, Motion, Pair
from perstream.keyframes.sharpest import Candidate, Sharpest, sharpness
from perstream.keyframes.still import StillWatch
from perstream.keyframes.view import View
from perstream.types import Frame, Keyframe

NEARLY = 0.7
"""From this share of ``motion_threshold`` on, frames are compared for sharpness."""
CREEPING = 0.2
"""From this share on, a view at rest is measured at every check."""
AT_REST = 0.5
"""A camera that moves by less than this share of ``motion_threshold`` per second rests."""
MOVING_S = 0.25
RESTING_S = 0.8
"""A sharper frame is preferred to a newer one for so long, in motion and at rest."""
CHOICE_S = 0.15
"""A settled frame is chosen from at least so long a stretch."""


class KeyframeSampler:
    """Sampler of one source; for one thread. Nothing is shared between two of them.

    Looks at most ``checks_per_s`` times per second of video, so that the frame rate does not
    matter. A frame is kept when the view moved by ``motion_threshold`` since the last kept one, at
    a cut, when the view came to rest, once more when it stays at rest, and when something in a
    resting view changed for good. At most two decoded frames are held at any time.
    """

    def __init__(self, config: KeyframeConfig) -> None:
        """Sets OpenCV to one thread for the process: its pool only takes the cores that decode the video."""
        cv2.setNumThreads(1)
        self._config = config
        self._flow = optical_flow(config.mode)
        # The mode measures how far the view moved. Whether two views are alike is always judged by
        # DIS: the many free steps of Lucas-Kanade can bend any picture into any other.
        self._structure = self._flow if config.mode == "dis" else optical_flow("dis")
        self._noise = Noise()
        self._sharpest = Sharpest()
        self._watch = StillWatch(max(config.settle_s, config.min_interval_s))
        self._before: tuple[Frame, View] | None = None
        self._kept: View | None = None
        self._shift: Shift = (0.0, 0.0)  # of the view since the kept one, pixels of the small picture
        self._scene = 0
        self._path = 0.0  # at most how far that is, picture widths
        self._rest_since: float | None = None
        self._settled = False
        self._dwell_at: float | None = None

    def offer(self, frame: Frame) -> tuple[Keyframe, ...]:
        """Look at the next frame; the keyframes that are decided now.

        A keyframe may be a frame offered up to a second earlier: the sharpest of its stretch.
        """
        if self._before is None or self._kept is None:
            now = View(frame)
            self._before = (frame, now)
            return (self._keep(Candidate(frame, now, sharpness(frame)), "first"),)
        old_frame, before = self._before
        if frame.pts_s - before.pts_s < 0.95 / self._config.checks_per_s:
            return ()
        now = View(frame)
        self._before = (frame, now)
        if now.size != before.size:
            return (self._cut_to(frame, now),)
        if self._nothing_due and now.same_as(before):
            # Compared with the last view that was worked on, so that a slow change adds up.
            self._before = (frame, before.still_at(now.pts_s))
            return ()
        step = Pair(before, now, self._structure)
        if self._noise.due(now.pts_s, step.peak) and step.noise_only:
            self._noise.learn(now.pts_s, step.unexplained)
        if self._is_cut(old_frame, frame, step):
            return (self._cut_to(frame, now),)
        keyframe = self._judge(frame, step, self._kept)
        return () if keyframe is None else (keyframe,)

    def finish(self) -> tuple[Keyframe, ...]:
        """The source ended: the best frame of a stretch that had not settled yet, if there is one."""
        last = None if self._settled else self._sharpest.take()
        if last is None or self._kept is None or last.view.pts_s - self._kept.pts_s < self._config.min_interval_s:
            return ()
        self._settled = True
        keyframe = self._keep(last, "settled")
        self._before = None
        return (keyframe,)

    def _judge(self, frame: Frame, step: Pair, kept: View) -> Keyframe | None:
        now, moving = step.now, step.motion(self._noise)
        self._note_rest(step, moving)
        understood = step.understood(self._noise)
        self._shift = (self._shift[0] + moving.shift[0], self._shift[1] + moving.shift[1]) if understood else (0.0, 0.0)
        self._path += moving.mean
        if now.pts_s - kept.pts_s < self._config.min_interval_s:
            return None
        since = Pair(kept, now, self._flow, self._shift)
        resting = self._settled and self._rest_since is not None
        due = resting and self._watch.due(step.changes, now.pts_s - step.before.pts_s, self._noise)
        watching = due or (resting and self._path >= CREEPING * self._config.motion_threshold)
        # The way from check to check is never shorter than the distance: mostly there is no need to measure.
        far = self._path >= NEARLY * self._config.motion_threshold or not understood
        if far or watching:
            self._path = self._distance(since)
        rate = self._path / (now.pts_s - kept.pts_s)
        if watching:
            self._watch.look(since.replaced(self._shift), self._noise)
        return self._after_motion(frame, now, self._path, rate) or (
            self._second_look(frame, now, rate) if self._settled else self._settle(frame, now, kept, rate)
        )

    def _distance(self, since: Pair) -> float:
        """How far the view is from the kept one, in picture widths."""
        total, threshold = since.motion(self._noise), self._config.motion_threshold
        self._shift = total.shift
        if since.now.blank:
            return 0.0
        return max(total.mean, threshold) if total.mean < threshold and self._lost(since) else total.mean

    def _after_motion(self, frame: Frame, now: View, moved: float, rate: float) -> Keyframe | None:
        if moved < NEARLY * self._config.motion_threshold:
            return None
        self._sharpest.offer(frame, now, MOVING_S)
        if moved < self._config.motion_threshold:
            return None
        # A creeping view rests all along: it was seen sharp, and need not settle again.
        if self._rested(now) < self._config.settle_s:
            self._settled, self._dwell_at = False, None
        return self._keep_sharpest("motion", rate)

    def _settle(self, frame: Frame, now: View, kept: View, rate: float) -> Keyframe | None:
        # A hand never quite at rest: after a while the best of it is taken all the same.
        waited = now.pts_s - kept.pts_s
        if self._rest_since is not None or waited >= self._config.dwell_s - self._config.settle_s:
            self._sharpest.offer(frame, now, RESTING_S)
        if self._rested(now) < self._config.settle_s and waited < self._config.dwell_s:
            return None
        if waited < self._config.min_interval_s + CHOICE_S:
            return None
        self._settled = True
        self._dwell_at = max(
            now.pts_s - self._rested(now) + self._config.dwell_s, now.pts_s + self._config.min_interval_s
        )
        return self._keep_sharpest("settled", rate)

    def _second_look(self, frame: Frame, now: View, rate: float) -> Keyframe | None:
        resting = self._rest_since is not None
        if resting and self._watch.changed:
            self._dwell_at = now.pts_s + self._pause_s
            return self._keep(Candidate(frame, now, sharpness(frame)), "settled", rate)
        if self._dwell_at is None or now.pts_s < self._dwell_at - self._config.settle_s:
            return None
        self._sharpest.offer(frame, now, RESTING_S)
        calm = resting and not self._watch.disturbed
        # A calm view is waited for, but not for ever.
        if now.pts_s < self._dwell_at + (0.0 if calm else self._pause_s):
            return None
        self._dwell_at = None
        return self._keep_sharpest("dwell", rate)

    @property
    def _nothing_due(self) -> bool:
        """At rest, looked at twice, and nobody in the way: the next keyframe needs a change."""
        at_rest = self._settled and self._rest_since is not None
        return at_rest and self._dwell_at is None and not self._watch.disturbed and not self._watch.pending

    @property
    def _pause_s(self) -> float:
        """From a settled keyframe to its dwell keyframe."""
        return max(self._config.dwell_s, self._config.min_interval_s)

    def _note_rest(self, step: Pair, moving: Motion) -> None:
        speed = moving.camera / (step.now.pts_s - step.before.pts_s)
        if speed >= AT_REST * self._config.motion_threshold:
            self._rest_since = None
        elif self._rest_since is None:
            self._rest_since = step.before.pts_s

    def _rested(self, now: View) -> float:
        return 0.0 if self._rest_since is None else now.pts_s - self._rest_since

    def _lost(self, since: Pair) -> bool:
        """The view is so different from the kept one that flow cannot say how far away it is."""
        if since.upset(self._noise) < UPSET:
            return False
        if self._flow is not self._structure:
            since = Pair(since.before, since.now, self._structure, since.guess)
        return since.likeness < NO_STRUCTURE

    def _is_cut(self, old_frame: Frame, frame: Frame, step: Pair) -> bool:
        if step.now.blank or step.upset(self._noise) < UPSET:
            return False
        return is_cut(old_frame, frame, step.likeness, step.shades, self._rest_since is not None)

    def _cut_to(self, frame: Frame, now: View) -> Keyframe:
        self._scene += 1
        self._rest_since, self._settled, self._dwell_at = None, False, None
        return self._keep(Candidate(frame, now, sharpness(frame)), "cut")

    def _keep_sharpest(self, reason: str, rate: float) -> Keyframe | None:
        best = self._sharpest.take()
        return None if best is None else self._keep(best, reason, rate)

    def _keep(self, best: Candidate, reason: str, rate: float = 0.0) -> Keyframe:
        self._sharpest.take()
        self._watch = StillWatch(max(self._config.settle_s, self._config.min_interval_s))
        self._kept = best.view
        self._shift, self._path = (0.0, 0.0), 0.0
        return Keyframe(
            source=best.frame.source,
            index=best.frame.index,
            pts_s=best.frame.pts_s,
            captured_at=best.frame.captured_at,
            rgb=best.frame.picture.rgb(self._config.max_side_px),
            reason=reason,
            motion=rate,
            sharpness=best.sharpness,
            scene=self._scene,
        )
