"""The store: completions, judgments, trials and results in one database, beside Optuna's tables."""

from urial_opt.store.database import Store
from urial_opt.store.entries import RankedTrial, SearchRecord, SearchStatus, SearchSummary, StoredResult
from urial_opt.store.spending import Account

__all__ = ["Account", "RankedTrial", "SearchRecord", "SearchStatus", "SearchSummary", "Store", "StoredResult"]
