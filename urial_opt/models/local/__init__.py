"""Local models: base and aligned models of transformers in this process."""
