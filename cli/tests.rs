//! Golden tests: help, tables, JSON and exit codes, against a node that answers from a table.
