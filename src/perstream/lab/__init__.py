"""Research kit: datasets, evaluation, benchmarks."""
