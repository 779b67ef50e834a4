"""Evaluation: one prompt, or given answers, measured."""
