"""Token shift: where a base model departs from its aligned version, token by token, and what a prompt changes."""
