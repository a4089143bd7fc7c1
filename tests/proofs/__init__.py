"""What every rebuilding of the house must reproduce to the byte: `python -m tests.proofs`."""
