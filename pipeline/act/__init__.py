"""What is done about an incident's money, beside the minute: proposals, calls to the company, outcomes."""
