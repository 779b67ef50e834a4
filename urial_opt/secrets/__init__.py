"""Secrets: passwords and keys, which nothing that is printed, stored or exported may contain."""

from urial_opt.secrets.known import keep_secret, without_known
from urial_opt.secrets.patterns import is_secret, keep_secrets_of, redacted

__all__ = ["is_secret", "keep_secret", "keep_secrets_of", "redacted", "without_known"]
