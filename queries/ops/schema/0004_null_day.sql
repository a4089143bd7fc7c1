-- How many false cancel surges a day the policy `budgeted` would open, measured nightly on the permuted null:
-- one row per judged business day.

CREATE TABLE null_day (
    business_day   date PRIMARY KEY,
    merchants      bigint NOT NULL CHECK (merchants >= 0),      -- judged: one of `parts` of all
    parts          integer NOT NULL CHECK (parts > 0),
    incidents      bigint NOT NULL CHECK (incidents >= 0),      -- that would have opened among these
    allowed        double precision NOT NULL CHECK (allowed >= 0), -- false incidents a day, for all merchants
    drift_percent  integer NOT NULL CHECK (drift_percent >= 0), -- wander of the odds that was put back
    drift_measured boolean NOT NULL,                            -- false: taken from the rules
    measured_at    timestamptz NOT NULL DEFAULT now()
);
