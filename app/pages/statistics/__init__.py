"""How incidents, alarms and delays have been."""
