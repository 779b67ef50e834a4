"""The store: completions, judgments, trials and results in one database, beside Optuna's tables."""

from urial_opt.store.database import Store
from urial_opt.store.entries import Deciders, RankedTrial, SearchRecord, SearchStatus, SearchSummary, StoredResult
from urial_opt.store.leases import Lease, Work
from urial_opt.store.processes import WorkingProcess
from urial_opt.store.spending import Account
from urial_opt.store.worker_records import WorkerRecord
from urial_opt.store.workers import Worker

__all__ = [
    "Account",
    "Deciders",
    "Lease",
    "RankedTrial",
    "SearchRecord",
    "SearchStatus",
    "SearchSummary",
    "Store",
    "StoredResult",
    "Work",
    "Worker",
    "WorkerRecord",
    "WorkingProcess",
]
