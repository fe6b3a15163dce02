"""The text models: known words are read, texture is not, and the result is RapidOCR's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from perception_world import noisy, plain, texture, write

from perstream.perception.reader import OnnxReader


@pytest.fixture(scope="module")
def reader():
    cv2.setNumThreads(1)
    return OnnxReader()


@pytest.fixture(scope="module")
def label():
    picture = plain(225)
    write(picture, "PEANUT BUTTER", (60, 90), 1.4, thickness=3)
    write(picture, "Dentist 14:30", (60, 180), 0.9)
    write(picture, "Take two tablets daily", (60, 260), 0.6, thickness=1)
    return noisy(cv2.GaussianBlur(picture, (0, 0), 0.6), 1)


@pytest.mark.parametrize("side", [320, 640])
def test_known_words_are_read(reader, label, side):
    lines = [reader.words(label, region) for region in reader.regions(label, side, 0.5)]
    assert [text for text, _ in lines] == ["PEANUT BUTTER", "Dentist 14:30", "Take two tablets daily"]
    assert all(score > 0.9 for _, score in lines)


def test_texture_holds_no_words(reader):
    for seed in range(3):
        picture = texture(seed)
        lines = [reader.words(picture, region) for region in reader.regions(picture, 320, 0.55)]
        assert not [text for text, score in lines if score >= 0.7]


def test_a_slanted_and_an_upside_down_line(reader):
    picture = write(plain(230), "PLATFORM FOUR", (120, 190), 1.3, thickness=3)
    turned = cv2.warpAffine(picture, cv2.getRotationMatrix2D((320, 180), 15, 1), (640, 360), borderValue=(230,) * 3)
    (region,) = reader.regions(turned, 320, 0.5)
    assert reader.words(turned, region)[0] == "PLATFORM FOUR"
    flipped = np.ascontiguousarray(picture[::-1, ::-1])
    (region,) = reader.regions(flipped, 320, 0.5)
    assert reader.words(flipped, region, upside_down=True)[0] == "PLATFORM FOUR"


def test_an_empty_picture_and_odd_sizes(reader):
    assert reader.regions(plain(255), 320, 0.3) == []
    for height, width in ((33, 700), (5, 5), (1080, 17)):
        assert reader.regions(plain(255, height, width), 320, 0.5) == []


def test_the_result_is_that_of_rapidocr(reader, label):
    """Parity with the package whose models these are, at its own settings."""
    rapidocr = pytest.importorskip("rapidocr")
    engine = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Det.limit_type": "max",
            "Det.limit_side_len": 640,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        }
    )
    theirs = engine(np.ascontiguousarray(label[..., ::-1]), use_cls=False)
    regions = reader.regions(label, 640, 0.5)
    ours = [reader.words(label, region) for region in regions]
    assert [text for text, _ in ours] == list(theirs.txts)
    assert [score for _, score in ours] == pytest.approx(list(theirs.scores), abs=0.03)
    assert np.abs(np.stack([region.quad for region in regions]) - theirs.boxes).max() <= 6
