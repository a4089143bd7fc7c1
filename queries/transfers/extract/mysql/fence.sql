-- The source's clock, read in the same snapshot as the rows. InnoDB shows nobody its transaction ids, so there
-- is no fence to read beside it.
-- Parameters: none. Grain: one row.
SELECT UTC_TIMESTAMP(6) AS clock_utc
