"""Searches for the exemplars and system prompts that align a base language model without tuning it."""

__version__ = "0.1.0"
