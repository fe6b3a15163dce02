"""What a chat model needs to be a backend: messages, prompts, and the parts that speak through it."""
