"""Statistics: strata, bootstrap intervals, paired tests, shrinkage, agreement."""
