"""The research kit: datasets, training, evaluation and judging, on the pipeline that the daemon ships."""
