"""Token shift: where a base model parts from its aligned twin, token by token, and what a prompt changes."""
