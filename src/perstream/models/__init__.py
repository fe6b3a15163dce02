"""Swappable model parts behind the protocols."""
