"""Effects: what a search has learnt of each part of a prompt, and what it would try next."""
