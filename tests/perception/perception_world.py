"""Synthetic keyframes for the perception tests: nothing is loaded from disk."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import cv2
import numpy as np

from perstream.perception.view import View
from perstream.types import Keyframe

START = datetime(2026, 3, 5, 9, 0, tzinfo=timezone.utc)


def keyframe(rgb, pts_s=0.0, reason="settled", scene=0):
    return Keyframe("cam", int(pts_s * 30), pts_s, START + timedelta(seconds=pts_s), rgb, reason, 0.0, 100.0, scene)


def view(rgb, pts_s=0.0, reason="settled", scene=0):
    return View(keyframe(rgb, pts_s, reason, scene))


def plain(level=200, height=360, width=640):
    return np.full((height, width, 3), level, np.uint8)


def texture(seed, height=360, width=640):
    """Soft random patches: nothing in them means anything."""
    cells = np.random.default_rng(seed).integers(0, 256, (height // 12, width // 12, 3)).astype(np.uint8)
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)


def room(seed, height=900, width=1600):
    """A wall with a jumble of coloured rectangles, larger than a picture: crop views from it."""
    rng = np.random.default_rng(seed)
    wall = np.full((height, width, 3), rng.integers(120, 220, 3), np.uint8)
    for _ in range(70):
        x, y = int(rng.integers(0, width - 60)), int(rng.integers(0, height - 60))
        w, h = int(rng.integers(20, 200)), int(rng.integers(20, 150))
        cv2.rectangle(wall, (x, y), (x + w, y + h), tuple(int(v) for v in rng.integers(0, 255, 3)), -1)
    return wall


def crop(wall, x, y, zoom=1.0, angle=0.0, noise_seed=0):
    """640 x 360 pixels of the wall around (x, y), with a little sensor noise."""
    turn = cv2.getRotationMatrix2D((x, y), angle, zoom)
    turn[:, 2] += (320 - x, 180 - y)
    picture = cv2.warpAffine(wall, turn, (640, 360), borderMode=cv2.BORDER_REFLECT).astype(np.float32)
    return noisy(picture, noise_seed)


def noisy(picture, seed, sigma=3.0):
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture.astype(np.float32) + noise, 0, 255).astype(np.uint8)


def write(picture, text, at, size=1.0, color=(20, 20, 30), thickness=2):
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, color, thickness, cv2.LINE_AA)
    return picture
