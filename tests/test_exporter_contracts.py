"""Every built-in exporter keeps the contract of exporters."""

from __future__ import annotations

import pytest

from urial_opt import plugins
from urial_opt.protocols import Exporter
from urial_opt.testing.contracts import ExporterContract


class TestUrial(ExporterContract):
    @pytest.fixture
    def exporter(self) -> Exporter:
        return plugins.open_exporter("urial")


class TestJson(ExporterContract):
    @pytest.fixture
    def exporter(self) -> Exporter:
        return plugins.open_exporter("json")
