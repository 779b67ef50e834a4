"""The store: completions, judgments, trials and results in one database, beside Optuna's tables."""

from urial_opt.store.claims import Claim
from urial_opt.store.database import Store
from urial_opt.store.entries import Deciders, RankedTrial, SearchRecord, SearchStatus, SearchSummary, StoredResult
from urial_opt.store.processes import WorkingProcess
from urial_opt.store.spending import Account

__all__ = [
    "Account",
    "Claim",
    "Deciders",
    "RankedTrial",
    "SearchRecord",
    "SearchStatus",
    "SearchSummary",
    "Store",
    "StoredResult",
    "WorkingProcess",
]
