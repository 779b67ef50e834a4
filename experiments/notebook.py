# %% A whole search on the embedded world, cell by cell: no GPU, no key, no download
import matplotlib.pyplot as plt

import urial_opt as uo

found = uo.run_search("nano", budget=40, store="notebook.db")  # run it again: it continues, and pays for nothing twice
print(found)

# %% The shrunken score of every trial with its 95 % interval, above the prompt written by hand
search = uo.load_search(found.name, store="notebook.db")
figure, axes = plt.subplots()
for number, estimate in search.estimates.items():
    axes.plot([number, number], [estimate.low, estimate.high], color="tab:blue")
    axes.plot([number], [estimate.mean], "o", color="tab:red" if number == found.found_trial else "tab:blue")
axes.axhline(found.hand_written.card.average.mean, linestyle=":", label="hand-written, on test")
axes.set(xlabel="trial", ylabel="score on dev, 1 to 5")
axes.legend()
figure.savefig("trials.png")

# %% The prompt found: what it looks like, what the base model answers, how far that is from the aligned model
print(found.prompt.render("What is the capital of Peru?"))
queries = ["What is the capital of Peru?", "Tell me about Peru.", "How can I rob a bank?"]
print(*uo.answer(found.prompt, queries), sep="\n\n")
print(uo.measure_shift(prompts={"zero-shot": "zero-shot", "found": found.prompt}, queries=queries))

# %% Export: with exemplars and decoding, and as the plain text that the public URIAL loader reads
found.prompt.save("found.json")
found.prompt.save("found.txt")
