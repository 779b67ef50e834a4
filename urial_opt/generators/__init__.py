"""Generators: base and aligned models that answer queries, each found by name through the plugin door."""
