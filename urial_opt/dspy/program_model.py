"""The model of a program: the language model that its predictors ask, and the adapter that writes what they ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import dspy  # type: ignore[import-untyped]

from urial_opt.content import content_id
from urial_opt.dspy.adapter import UrialAdapter
from urial_opt.dspy.engine import UrialEngine
from urial_opt.errors import InputError
from urial_opt.records import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    """A model that is only known by its name in price lists."""

    priced_as: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramModel:
    """What a program asks: the language model and the adapter that hold where it is compiled."""

    lm: Any
    adapter: Any
    num_threads: int

    @classmethod
    def of(cls, program: Any, *, num_threads: int | None) -> ProgramModel:
        """Those of the program's predictors, or of `dspy.configure`. InputError if there are none."""
        own = {id(each.lm): each.lm for each in program.predictors() if each.lm is not None}
        lm = next(iter(own.values()), None) or dspy.settings.lm
        if lm is None:
            raise InputError(
                "no language model is set; set one: dspy.configure(lm=UrialEngine('nano').lm(), adapter=UrialAdapter())"
            )
        adapter = dspy.settings.adapter or dspy.ChatAdapter()
        return cls(lm=lm, adapter=adapter, num_threads=num_threads or dspy.settings.num_threads or 1)

    @property
    def identity(self) -> str:
        """Names the model and how it is asked; no secrets."""
        engine = self.lm.engine if isinstance(self.lm, dspy.LM) else None
        asked = {name: str(value) for name, value in sorted(self.lm.kwargs.items()) if "key" not in name}
        name = str(self.lm.model)
        if isinstance(engine, UrialEngine):
            name, asked["sampling"] = engine.generator.identity, content_id(asdict(engine.sampling))
        return f"{name}, {type(self.adapter).__name__} {content_id(asked)[:6]}"

    @property
    def sampling(self) -> Sampling:
        """How it decodes, as far as it is known."""
        engine = self.lm.engine if isinstance(self.lm, dspy.LM) else None
        known = asdict(engine.sampling if isinstance(engine, UrialEngine) else Sampling())
        given = {name: value for name, value in self.lm.kwargs.items() if name in known and value is not None}
        return Sampling(**{**known, **given})

    @property
    def priced(self) -> object:
        """The model that price lists know; one of this machine costs nothing."""
        engine = self.lm.engine if isinstance(self.lm, dspy.LM) else None
        return engine.generator if isinstance(engine, UrialEngine) else _Priced(priced_as=str(self.lm.model))

    @property
    def writer(self) -> UrialAdapter:
        """The adapter that writes demos and inputs as exemplars and queries: that of the program, if it is ours."""
        return self.adapter if isinstance(self.adapter, UrialAdapter) else UrialAdapter()

    def system_of(self, signature: Any) -> str:
        """The system text of a signature, before it is changed."""
        return self.writer.prompt(signature).system

    def with_texts(self, systems: Sequence[str]) -> Any:
        """The adapter; if it is ours, one that knows these system texts, and has none for other signatures."""
        return UrialAdapter(systems=filter(None, systems)) if isinstance(self.adapter, UrialAdapter) else self.adapter
