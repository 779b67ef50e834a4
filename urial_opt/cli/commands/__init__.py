"""Commands: one file for each, which opens what was named, calls the library and prints."""
