"""Prompt files: URIAL prompts in plain text or JSON, and the decoding that belongs to them."""

from urial_opt.prompt_file.decoding import DecodedPrompt, decoding_file, render_decoding
from urial_opt.prompt_file.files import Decoding, check_public_name, read_decoding, read_prompt_file, read_sampling
from urial_opt.prompt_file.json_form import JSON_FORMAT
from urial_opt.prompt_file.plain_text import parse_prompt

__all__ = [
    "JSON_FORMAT",
    "DecodedPrompt",
    "Decoding",
    "check_public_name",
    "decoding_file",
    "parse_prompt",
    "read_decoding",
    "read_prompt_file",
    "read_sampling",
    "render_decoding",
]
