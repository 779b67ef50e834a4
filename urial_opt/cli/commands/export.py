"""`urial-opt export`: writes a found prompt in a format for serving."""

from __future__ import annotations

from pathlib import Path

import click

from urial_opt.cli.options import store_option, write_file
from urial_opt.cli.output import write_exactly, write_line


@click.command(short_help="Write a found prompt in a format for serving.")
@click.argument("name", required=False)
@click.option("--trial", type=int, help="Export this trial's prompt. [default: the one the search found]")
@click.option("--format", "format_name", default="urial", show_default=True, help="urial or json.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write. [default: print it]")
@store_option
def command(name: str | None, trial: int | None, format_name: str, output: Path | None, store_url: str) -> None:
    """Write the prompt that the search NAME found (default: the newest search).

    The format `urial` is a file urial_prompts/NAME.txt for the public URIAL code; `json` adds the exemplars, the
    decoding settings and how to serve the prompt.
    """
    from urial_opt import plugins
    from urial_opt.cli.choosing import chosen_search, chosen_trial
    from urial_opt.prompt_file import check_public_name
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        record = chosen_trial(store, chosen_search(store, name), trial)
    text = plugins.open_exporter(format_name).export(record.candidate.prompt, record.candidate.sampling)
    if output is None:
        write_exactly(text)
        return
    if format_name == "urial":
        check_public_name(output.stem)
    write_file(output, text, option="--output")
    write_line(f"Wrote the prompt of trial {record.number} to {output}.", err=True)
