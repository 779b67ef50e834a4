"""DSPy programs on base models: an adapter for the URIAL layout, an engine over generators, a search as optimizer.

from urial_opt.dspy import UrialAdapter, UrialEngine

dspy.configure(lm=UrialEngine("nano").lm(), adapter=UrialAdapter(system=TEXT))
dspy.Predict("query -> answer")(query="What is the capital of France?").answer
"""

from urial_opt.dspy.adapter import UrialAdapter
from urial_opt.dspy.engine import AsyncUrialEngine, UrialEngine

__all__ = ["AsyncUrialEngine", "UrialAdapter", "UrialEngine"]
