"""From the signals of one memory to a confidence in [0, 1] that is comparable across questions.

A logistic over few features, fitted on whether a question has an answer in memory at all: questions of other
conversations and other people's, and questions about the wrong person, are what it was told apart from. Left-out
conversations: AUC .85 for the wrong person, .88 for another conversation, .97 for another owner's memories.
"""

from __future__ import annotations

import numpy as np

from perstream.types import FloatArray

BIAS = -5.1
LATE = 6.5
"""MaxSim, in [0, 1]."""
COVERED = 2.0
"""Share of the question's words, by idf, that the memory says."""
OTHER = -18.0
"""How much better the memories of somebody other than the one named fit."""
TIME_ALONE = 0.6
"""Confidence of a memory of the day asked for, when the question asks for little but the day."""


def confidence(late: FloatArray, covered: FloatArray, other: float) -> FloatArray:
    """That a memory with these features answers the question, per memory."""
    return np.asarray(1 / (1 + np.exp(-(BIAS + LATE * late + COVERED * covered + OTHER * other))), np.float32)
