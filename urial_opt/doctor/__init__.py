"""The doctor: what a server can do for a search, found out by asking it."""

from urial_opt.doctor.diagnosis import Diagnosis, examine
from urial_opt.doctor.patient import Finding, Verdict

__all__ = ["Diagnosis", "Finding", "Verdict", "examine"]
