"""Spaces: what a search may propose, and the files that say so."""
