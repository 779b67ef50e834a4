"""Contracts: tests of what the Protocols promise; the test of an adapter inherits the class and opens the adapter.

    class TestMyJudge(JudgeContract):
        @pytest.fixture
        def judge(self) -> Judge:
            return open_judge("mine:strict")

Each test checks a sentence in the docstring of the Protocol. The defaults suit the embedded models. A subclass may set
other class attributes (`queries`, `sampling` …) and override the methods that compare (`assert_same`, `read_back`), as
for a server whose greedy text varies by rounding. It may also override a single test, to say why the adapter skips it.
"""

from urial_opt.testing.exporter_contract import ExporterContract
from urial_opt.testing.generator_contracts import ChatGeneratorContract, GeneratorContract
from urial_opt.testing.judge_contracts import JudgeContract, PairwiseJudgeContract
from urial_opt.testing.proposer_contract import ProposerContract

__all__ = [
    "ChatGeneratorContract",
    "ExporterContract",
    "GeneratorContract",
    "JudgeContract",
    "PairwiseJudgeContract",
    "ProposerContract",
]
