"""Models of the transformers library that run in this process: Qwen2.5-Omni and its kin."""
