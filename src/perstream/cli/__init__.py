"""The command line: parse, call the house, print."""
