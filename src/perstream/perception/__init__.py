"""What is perceived in a keyframe."""
