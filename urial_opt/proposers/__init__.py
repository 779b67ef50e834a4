"""Proposers: write new system prompts and exemplars for a search."""
