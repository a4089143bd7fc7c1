"""The past judged again: backtests, their scores and reports, and the nightly null."""
