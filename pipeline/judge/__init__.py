"""From verdicts to incidents: what is held back, and how an incident lives. Pure."""
