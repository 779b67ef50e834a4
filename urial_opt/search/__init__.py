"""Search: Optuna proposes, the base model answers, the judge scores, the store remembers."""
