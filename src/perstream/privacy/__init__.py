"""What is never seen, never stored, and given up with age."""
