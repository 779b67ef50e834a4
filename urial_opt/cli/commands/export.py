"""`urial-opt export`: writes a found prompt in a format for serving."""

from __future__ import annotations

from pathlib import Path

import click

from urial_opt.cli.options import json_option, refuse_unwritable, store_option, write_file
from urial_opt.cli.output import write_exactly, write_json, write_line


@click.command(short_help="Write a found prompt in a format for serving.")
@click.argument("name", required=False)
@click.option("--trial", type=int, help="Export this trial's prompt. [default: the one the search found]")
@click.option("--format", "format_name", default="urial", show_default=True, help="urial, json or dspy.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write. [default: print it]")
@store_option
@json_option
def command(
    name: str | None, trial: int | None, format_name: str, output: Path | None, store_url: str, *, as_json: bool
) -> None:
    """Write the prompt that the search NAME found (default: the newest search).

    The format `urial` is a file urial_prompts/NAME.txt for the public URIAL code. It cannot hold the decoding, so that
    --output NAME.txt also writes NAME.decoding.json, which evaluate, shift and search --start-from read by themselves.
    `json` is one file with the prompt, its exemplars, the decoding and how to serve it.
    `dspy` is the state of a DSPy predictor: dspy.Predict("query -> answer").load(FILE) needs no urial-opt.

    \b
    With --json an object with the keys
      search, trial, format, text (of the file), decoding, output (the file; null where none is written)
    """
    from dataclasses import asdict

    from urial_opt import plugins
    from urial_opt.cli.choosing import chosen_search, chosen_trial
    from urial_opt.cli.decoding import in_words
    from urial_opt.prompt_file import check_public_name, decoding_file, render_decoding
    from urial_opt.roles import notes_of
    from urial_opt.store import Store

    with Store.open(store_url, create=False) as store:
        search = chosen_search(store, name)
        record = chosen_trial(store, search, trial)
    prompt, sampling = record.candidate.prompt, record.candidate.sampling
    exporter = plugins.open_exporter(format_name)
    text = exporter.export(prompt, sampling)
    beside = None
    if format_name == "urial" and output is not None:
        check_public_name(output.stem, prompt.layout)
        beside = decoding_file(output)
    for file in (output, beside):
        refuse_unwritable(file, option="--output")
    if as_json:
        chosen = {"search": search.name, "trial": record.number, "format": format_name}
        write_json({**chosen, "text": text, "decoding": asdict(sampling), "output": output and str(output)})
    elif output is None:
        write_exactly(text)
    if output is not None:
        write_file(output, text, option="--output")
        write_line(f"Wrote the prompt of trial {record.number} to {output}.", err=True)
    for note in notes_of(exporter):
        write_line(note, err=True)
    if format_name != "urial" or (as_json and output is None):
        return
    lost = f"The file cannot hold the decoding: {in_words(sampling)}."
    if beside is None:
        write_line(f"{lost} Add --output FILE.txt to keep it beside the file, or take --format json.", err=True)
        return
    write_file(beside, render_decoding(prompt, sampling), option="--output")
    write_line(f"{lost} It is in {beside}, which evaluate, shift and search --start-from read.", err=True)
