"""Agent: between trials, a proposer reads what happened and widens the pool of a search; guards check what it wrote."""
