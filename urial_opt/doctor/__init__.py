"""The doctor: finds out what a server can do for a search by asking it."""

from urial_opt.doctor.diagnosis import Diagnosis, examine, examine_server
from urial_opt.doctor.examined_server import CheckResult, CheckVerdict

__all__ = ["CheckResult", "CheckVerdict", "Diagnosis", "examine", "examine_server"]
