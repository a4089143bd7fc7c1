-- When the watch of transfers last looked at the company's table: who answers by its events must know their age.

CREATE TABLE transfers.watch (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    looked_at timestamptz NOT NULL
);
