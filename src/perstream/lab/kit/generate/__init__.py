"""Records made from annotated videos by a model: moments picked, memories, questions and words asked for, all checked."""
