"""How many of the tokens that a real base model writes are thrown away, because they come after the answer's end.

    python experiments/answers/thrown_away.py FOLDER [--queries 12] [--source mine.jsonl] [--max-new-tokens 256] [--on]

FOLDER holds a base model of transformers, such as Gemma 3 270M. The queries are the first of the space `urial`, or of
any source that `urial-opt evaluate --queries` takes. With `--on` the model goes on after the end, as it did before.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch

from urial_opt.datasets.query_sources import load_queries
from urial_opt.models.local.generator import open_base
from urial_opt.prompt import PLAIN_FENCE, has_ended, read_answer
from urial_opt.spaces.space_file import load_space


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder")
    options.add_argument("--queries", type=int, default=12)
    options.add_argument("--source", help="file or published set of queries")
    options.add_argument("--max-new-tokens", type=int, default=256)
    options.add_argument("--penalty", type=float, default=1.1)
    options.add_argument("--contexts", nargs="+", default=["hand-written", "zero-shot"])
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--on", action="store_true")
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    space = load_space("urial")
    queries = load_queries(chosen.source) if chosen.source else space.queries.split("dev")
    model = open_base(chosen.folder)
    model.end_when(None if chosen.on else has_ended)
    for name in chosen.contexts:
        candidate = space.contexts[name]
        sampling = replace(candidate.sampling, repetition_penalty=chosen.penalty, max_tokens=chosen.max_new_tokens)
        suffixes = [candidate.prompt.suffix(query.text) for query in queries[: chosen.queries]]
        written = total = closed = 0
        for each in model.generate(candidate.prompt.prefix, suffixes, sampling):
            answer = read_answer(each.text, cut=each.finish_reason == "length")
            kept = each.text[: each.text.find(answer) + len(answer)]
            # The fence that closes the answer belongs to it: the model must write it.
            if each.text[len(kept) :].lstrip().startswith(PLAIN_FENCE):
                kept = each.text[: each.text.index(PLAIN_FENCE, len(kept)) + len(PLAIN_FENCE)]
                closed += 1
            total += each.usage.completion_tokens
            written += len(model.tokens([kept], special=False)[0])
        print(
            f"{name}: {total} tokens for {len(suffixes)} answers, {closed} of them closed; "
            f"{max(0, total - written)} thrown away, {max(0, total - written) / total:.1%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
