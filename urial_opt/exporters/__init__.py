"""Exporters: a found prompt, written for whatever shall serve it."""
