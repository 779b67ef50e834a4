"""Measured: what a command does with a measurement, which it writes to a file, prints, and checks for verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from urial_opt.cli.options import write_file
from urial_opt.cli.output import write_json, write_line

if TYPE_CHECKING:
    from urial_opt.evaluation.assessment import Assessment
    from urial_opt.evaluation.measurement import Measurement


def report(
    measured: Measurement, used: Mapping[str, object], *, results_file: Path | None, against: str | None, as_json: bool
) -> None:
    """Write the verdicts to `results_file`, if there is one, and print the measurement; `used` joins it in JSON.

    UnreadableJudgeError, hence exit code 1, if none of the verdicts has a score and some are open.
    """
    if results_file is not None:
        _write_verdicts(results_file, measured)
    if as_json:
        write_json({**measured.as_json(), **used})
    else:
        _show(measured, against)
    _check_read(measured.assessment)


def _check_read(assessment: Assessment) -> None:
    from urial_opt.evaluation.unreadable import nothing_read, unreadable_judge

    judgments = assessment.evaluation.judgments
    if nothing_read(judgments):
        raise unreadable_judge(assessment.judge, judgments)


def _write_verdicts(file: Path, measured: Measurement) -> None:
    from urial_opt.datasets.just_eval import results_json

    assessment = measured.assessment
    fives = assessment.scoring.na_as_five
    write_file(
        file, results_json(assessment.evaluation, generator=assessment.base, na_as_five=fives), option="--just-eval"
    )
    write_line(f"Wrote the verdicts to {file}.", err=True)


def _show(measured: Measurement, against: str | None) -> None:
    from urial_opt.cli.tables import show_assessment, show_bill, show_pairwise

    show_assessment(measured.assessment)
    if measured.comparison is not None:
        show_pairwise(measured.comparison, against=str(against))
    show_bill(measured.bill)
