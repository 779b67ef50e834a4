"""Requests to the embedded models' server, validated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from urial_opt.nano.json_server import Refused
from urial_opt.records import Sampling


class _Request(BaseModel):
    """The fields of both routes; values that the server does not support are refused, not ignored."""

    model: str
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(1.0, gt=0, le=1)
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: int | None = None
    repetition_penalty: float = Field(1.0, gt=0)
    n: Literal[1] | None = 1
    stream: Literal[False] | None = False

    def _sampling(self, max_tokens: int) -> Sampling:
        return Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_tokens=max_tokens,
            stop=(self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ()),
            seed=self.seed or 0,
            repetition_penalty=self.repetition_penalty,
        )


class CompletionRequest(_Request):
    """A request to `/completions`."""

    prompt: str | Annotated[list[str], Field(min_length=1)]
    max_tokens: int = Field(16, ge=1)
    echo: bool | None = False
    logprobs: int | None = Field(None, ge=0)
    prompt_logprobs: int | None = Field(None, ge=0)

    def requested_logprobs(self) -> dict[str, int]:
        """The number of most probable tokens to list, by the ability requested."""
        listed = {"logprobs": self.logprobs, "prompt_logprobs": self.prompt_logprobs, "echo": 0 if self.echo else None}
        return {name: number for name, number in listed.items() if number is not None}

    def texts(self) -> list[str]:
        return [self.prompt] if isinstance(self.prompt, str) else self.prompt

    def sampling(self) -> Sampling:
        return self._sampling(self.max_tokens)


class _ChatMessage(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: str


class ChatRequest(_Request):
    """A request to `/chat/completions`."""

    messages: list[_ChatMessage] = Field(min_length=1)
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    logprobs: bool | None = False
    top_logprobs: int = Field(0, ge=0)

    def requested_logprobs(self) -> dict[str, int]:
        """As `CompletionRequest.requested_logprobs`."""
        return {"logprobs": self.top_logprobs} if self.logprobs else {}

    def texts(self) -> list[str]:
        """The last message of the user; the aligned model was tuned on single queries."""
        queries = [message.content for message in self.messages if message.role == "user"]
        if not queries:
            raise Refused(400, "no message has the role 'user'; send one")
        return queries[-1:]

    def sampling(self) -> Sampling:
        return self._sampling(self.max_completion_tokens or self.max_tokens or Sampling().max_tokens)


_Read = TypeVar("_Read", bound=_Request)


def read_request(kind: type[_Read], body: Mapping[str, Any]) -> _Read:
    """The request in a body. `Refused` if the body is not a valid request of this kind."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Refused(400, f"{where!r}: {first['msg']}", code="invalid_value") from error
