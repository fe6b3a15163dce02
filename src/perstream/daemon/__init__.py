"""Threads, supervisor and event bus."""
