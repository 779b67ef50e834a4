"""Datasets: queries, and answers with scores, from files and by name."""
