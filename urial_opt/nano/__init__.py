"""The embedded world: real facts, a corpus with style as a latent variable, two tiny models, and a judge by rules."""
