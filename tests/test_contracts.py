"""The contracts themselves: an honest adapter keeps them, and each of their tests can fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.able_adapters import Able
from tests.broken_adapters import ABILITIES, BROKEN, HONEST
from urial_opt.testing import contracts

pytest_plugins = ["pytester"]

FIXTURES = {
    "GeneratorContract": "generator",
    "ChatGeneratorContract": "chat_generator",
    "JudgeContract": "judge",
    "PairwiseJudgeContract": "judge",
    "ExporterContract": "exporter",
    "ProposerContract": "proposer",
}
TEST = """
import pytest
from tests import broken_adapters
from urial_opt.testing.contracts import {contract}

class TestAdapter({contract}):
    @pytest.fixture
    def {fixture}(self):
        return broken_adapters.{adapter}
"""


def outcomes(pytester: pytest.Pytester, contract: str, adapter: str) -> tuple[set[str], set[str]]:
    """The tests of a contract that are skipped and those that fail for an adapter, which is written as Python."""
    pytester.makepyfile(TEST.format(contract=contract, fixture=FIXTURES[contract], adapter=adapter))
    passed, skipped, failed = pytester.inline_run("-q", "-p", "no:cacheprovider").listoutcomes()
    assert passed or failed
    return _names(skipped), _names(failed)


def failures(pytester: pytest.Pytester, contract: str, adapter: str) -> set[str]:
    return outcomes(pytester, contract, adapter)[1]


def _names(reports: Sequence[pytest.TestReport | pytest.CollectReport]) -> set[str]:
    return {report.nodeid.rpartition("::")[2].partition("[")[0] for report in reports}


def test_there_is_a_broken_adapter_for_every_test_of_every_contract() -> None:
    for name in contracts.__all__:
        assert set(BROKEN[name]) == {each for each in dir(getattr(contracts, name)) if each.startswith("test_")}, name


@pytest.mark.parametrize(
    ("contract", "row"), [(contract, row) for contract, adapters in HONEST.items() for row in range(len(adapters))]
)
def test_an_honest_adapter_keeps_the_contract(pytester: pytest.Pytester, contract: str, row: int) -> None:
    skipped, failed = outcomes(pytester, contract, f"HONEST[{contract!r}][{row}]")
    assert failed == set()
    without = contract != "ExporterContract" and not isinstance(HONEST[contract][row], Able)
    assert skipped == (set(ABILITIES) if without else set()), "only tests of an ability that it has not are skipped"


LOOSELY = {
    "GeneratorContract": """
    def assert_same(self, found, expected):
        assert [each.text[:5] for each in found] == [each.text[:5] for each in expected]
""",
    "JudgeContract": "    tolerance = 0.5",
}


@pytest.mark.parametrize("contract", LOOSELY)
def test_an_adapter_whose_results_vary_may_be_compared_loosely(pytester: pytest.Pytester, contract: str) -> None:
    adapter = f"ROUNDING[{contract!r}]"
    assert failures(pytester, contract, adapter)
    assert failures(pytester, contract, f"{adapter}\n{LOOSELY[contract]}") == set()


@pytest.mark.parametrize(
    ("contract", "test", "row"),
    [
        (contract, test, row)
        for contract, tests in BROKEN.items()
        for test, adapters in tests.items()
        for row in range(len(adapters))
    ],
)
def test_a_broken_adapter_fails(pytester: pytest.Pytester, contract: str, test: str, row: int) -> None:
    failed = failures(pytester, contract, f"BROKEN[{contract!r}][{test!r}][{row}]")
    assert test in failed
    assert failed < set(BROKEN[contract]), "it works, but for what is broken"


@pytest.mark.parametrize("contract", contracts.__all__)
def test_a_class_that_opens_no_adapter_says_what_to_return(pytester: pytest.Pytester, contract: str) -> None:
    pytester.makepyfile(
        f"from urial_opt.testing.contracts import {contract}\nclass TestAdapter({contract}):\n    pass\n"
    )
    result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(["*NotImplementedError: return the * under test, opened through urial_opt.plugins"])


def test_without_pytest_it_says_what_to_type() -> None:
    code = "import sys; sys.modules['pytest'] = None; import urial_opt.testing.contracts"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("ImportError: urial_opt.testing needs pytest; type: pip install pytest\n")
