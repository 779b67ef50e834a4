"""Judges: what scores answers, each found by name through the plugin door."""
