"""A server that works except for its quirks, and the doctor's diagnosis of it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from os.path import commonprefix
from typing import Any

from urial_opt.doctor import Diagnosis, examine, speed
from urial_opt.models.server.endpoint import Endpoint
from urial_opt.nano.json_server import Refused, listening

KEY = "sk-do-not-tell-anybody"
WORDS = "a bird sang of rain and the old mill while we slept near hills that no map ever showed".split()  # noqa: SIM905


class Pretender:
    """A server that works except for its quirks; its tokens are words."""

    def __init__(self, *quirks: str, model: Mapping[str, object] | None = None) -> None:
        self._quirks = quirks
        self._model = model or {"id": "m", "max_model_len": 8192}
        self._lock = threading.Lock()
        self._crowd = threading.Event()
        self._under_way = self._refused = 0
        self._seen: list[str] = []
        self.requests = self.tokens = 0

    def __call__(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if path == "/v1/models":
            return {"data": [self._model]}
        with self._lock:
            self.requests += 1
            self._under_way += 1
            many = self._under_way > 4
            refuses = many and "few at once" in self._quirks
            self._refused += refuses
            # Each is sent twice: of more refusals than requests, one request got two.
            if self._refused > speed.CROWD if refuses else many:
                self._crowd.set()
        try:
            if refuses:
                raise Refused(429, f"slow down, {KEY}")
            # A busy machine may send the others of a crowd a while after the first.
            longest = 1 if body.get("max_tokens") == speed._LONG else 0
            crowded = bool({"few at once", "crowd changes"} & {*self._quirks}) and self._crowd.wait(longest)
            changed = crowded and "crowd changes" in self._quirks
            return self._answer(path == "/v1/chat/completions", body, crowded=changed)
        finally:
            with self._lock:
                self._under_way -= 1
                if not self._under_way:
                    self._crowd.clear()

    def _answer(self, chat: bool, body: Mapping[str, Any], *, crowded: bool) -> Mapping[str, Any]:
        if ("no completions" in self._quirks and not chat) or ("no chat" in self._quirks and chat):
            raise Refused(404, "Not Found")
        for field in ("seed", "repetition_penalty", "repeat_penalty", "logprobs", "prompt_logprobs", "temperature"):
            if f"refuses {field}" in self._quirks and body.get(field):
                raise Refused(400, f"what is {field}?")
        prompts = body["messages"][-1]["content"] if chat else body["prompt"]
        if isinstance(prompts, list) and "refuses lists" in self._quirks:
            raise Refused(500, "a string, please")
        prompts = prompts if isinstance(prompts, list) else [prompts]
        texts = [self._text(prompt, body, crowded=crowded) for prompt in prompts]
        if "first prompt only" in self._quirks:
            texts = texts[:1]
        choices = [self._choice(chat, *each, body) for each in zip(prompts, texts, strict=False)]
        reply = {
            "model": "weights-2026" if "alias" in self._quirks else "m",
            "choices": choices,
            "usage": self._usage(prompts[0], texts),
        }
        return {key: value for key, value in reply.items() if key != "usage" or "no usage" not in self._quirks}

    def _text(self, prompt: str, body: Mapping[str, Any], *, crowded: bool) -> list[str]:
        temperature = 0 if "no temperature" in self._quirks else body["temperature"]
        seed = body.get("seed", random.random()) if temperature else 0
        seed = random.random() if temperature and "no seed" in self._quirks else seed
        seed = 1 if temperature and "one seed" in self._quirks else seed
        seed = random.random() if "not greedy" in self._quirks else seed
        name = "repeat_penalty" if "repeat_penalty" in self._quirks else "repetition_penalty"
        penalty = body.get(name, 1.3 if "penalty of its own" in self._quirks else 1.0)
        penalty = 1.0 if "no penalty" in self._quirks else penalty
        dice = random.Random(f"{prompt} {temperature} {seed} {penalty} {crowded}")
        length = 40 if "no max_tokens" in self._quirks else body["max_tokens"]
        words = [dice.choice(WORDS) for _ in range(length)]
        text = " ".join(words)
        for stop in body.get("stop", []) if "no stop" not in self._quirks else []:
            before, found, _ = text.partition(stop)
            text = before + found if "keeps stop" in self._quirks else before
        return text.split(" ") if text != " ".join(words) else words

    def _choice(self, chat: bool, prompt: str, text: list[str], body: Mapping[str, Any]) -> Mapping[str, Any]:
        said = " ".join(text)
        echoed = bool(body.get("echo")) and "no echo" not in self._quirks
        tokens = (prompt.split() if echoed and "plain echo" not in self._quirks else []) + text
        logprobs: Mapping[str, object] | None = None
        if body.get("logprobs") and "no logprobs" not in self._quirks:
            logprobs = {"content": [{}]} if chat else {"token_logprobs": [-1.0] * len(tokens)}
        reason = "length" if len(text) == body["max_tokens"] else "stop"
        finish: dict[str, object] = {"finish_reason": reason, "logprobs": logprobs}
        if body.get("prompt_logprobs") and "no prompt_logprobs" not in self._quirks:
            finish["prompt_logprobs"] = [None, {}]
        if chat:
            return {"message": {"role": "assistant", "content": said}, **finish}
        return {"text": prompt + said if echoed else said, **finish}

    def _usage(self, prompt: str, texts: list[list[str]]) -> Mapping[str, Any]:
        read = len(prompt.split())
        seen = self._seen[-1:] if "remembers the last" in self._quirks else self._seen
        known = max((len(commonprefix([prompt, each]).split()) for each in seen), default=0)  # noqa: RUF071
        self._seen.append(prompt)
        if "slow reader" in self._quirks:
            time.sleep(3e-4 * (read - (known if "remembers" in self._quirks else 0)))
        counts = {
            "prompt_tokens": read + (20 if "template" in self._quirks else 1),
            "completion_tokens": sum(map(len, texts)),
        }
        self.tokens += sum(counts.values())
        return counts if "no cache" in self._quirks else {**counts, "prompt_tokens_details": {"cached_tokens": known}}


def diagnosis(*quirks: str, model: Mapping[str, object] | None = None) -> Diagnosis:
    with listening(Pretender(*quirks, model=model)) as url:
        return examine(Endpoint("m", url=url))


def verdicts(found: Diagnosis) -> dict[str, str]:
    return {name: finding.verdict.value for name, finding in found.findings.items()}
