"""Readers of what other programs keep: assistants' memories, notes, calendars, address books."""
