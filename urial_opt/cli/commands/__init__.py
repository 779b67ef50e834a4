"""Commands: one module for each command, which opens models and store, calls the library and prints the results."""
