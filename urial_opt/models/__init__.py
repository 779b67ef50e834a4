"""Models: base models that continue text and aligned ones that answer queries, each found by name."""
