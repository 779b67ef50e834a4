"""Spaces: define which prompts a search may propose, in files that people write."""
