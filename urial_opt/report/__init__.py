"""Reports: what was measured, as pages that open in any browser."""
