"""What the tests of an adapter inherit. It needs pytest, which this package does not install."""

try:
    import pytest
except ImportError as error:
    raise ImportError("urial_opt.testing needs pytest; type: pip install pytest") from error

# So that a failing contract shows the values it compared, as a test of the adapter's own would.
for _module in ("ability_contracts", "exporter_contract", "generator_contracts", "judge_contracts", "promises"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")
