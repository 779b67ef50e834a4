"""Exporters: a found prompt, written in the format of the program that will serve it."""
