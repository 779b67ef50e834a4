"""The synthetic stand-in for a search space, from `experiments/sampler/synthetic.py`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_SCRIPT = Path(__file__).parent.parent / "experiments" / "sampler" / "synthetic.py"
_spec = importlib.util.spec_from_file_location("synthetic", _SCRIPT)
assert _spec is not None
assert _spec.loader is not None
synthetic = importlib.util.module_from_spec(_spec)
sys.modules["synthetic"] = synthetic  # dataclasses look up their module
_spec.loader.exec_module(synthetic)
StandIn, Truth = synthetic.StandIn, synthetic.Truth
