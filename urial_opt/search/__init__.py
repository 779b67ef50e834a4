"""Search: proposes prompts with Optuna, lets the base model answer and the judge score, and stores every result."""
