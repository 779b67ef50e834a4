"""DSPy programs on base models: an adapter for the URIAL layout, an engine over generators, a search as optimizer.

from urial_opt.dspy import UrialAdapter, UrialEngine, UrialOptimizer

dspy.configure(lm=UrialEngine("nano").lm(), adapter=UrialAdapter(system=TEXT))
program = UrialOptimizer(metric).compile(dspy.Predict("query -> answer"), trainset=examples)
"""

from urial_opt.dspy.adapter import UrialAdapter
from urial_opt.dspy.engine import AsyncUrialEngine, UrialEngine
from urial_opt.dspy.optimizer import Compiled, UrialOptimizer

__all__ = ["AsyncUrialEngine", "Compiled", "UrialAdapter", "UrialEngine", "UrialOptimizer"]
