"""Commands: each file opens what was named, calls the library and prints."""
