"""Server models: base and aligned models behind any server that speaks the OpenAI protocol."""
