"""Evaluation: measures one prompt, or given answers, with a judge."""
