"""Which frames are worth a closer look."""
