"""The tuned numbers in force, their versions, and what another number would have done."""
