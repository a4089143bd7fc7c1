-- Views for analysts over the published files. Grain: named in each view; what columns mean: comments.toml.
-- Of the cancels, cancel_fresh_count are of approvals made within the 24 hours before them, cancel_older_count of
-- earlier ones; the others name no approval.
-- Statements end with a semicolon at the end of a line. offset_us is how far the configured zone is ahead of UTC.
-- summed_days are sums of closed business days, other_minutes the rows of merchant_minute of all other days.
-- Only functions of DuckDB 1.2's core: date_trunc, timezone and the like of a TIMESTAMPTZ need its ICU extension,
-- which an analyst's own client may lack.

-- Cancels for each approval; null where nothing was approved.
CREATE MACRO cancel_rate(cancels, approvals) AS cancels / nullif(approvals, 0);

-- One row per merchant and hour (of UTC). The cancel rate is a ratio of sums; null where nothing was approved.
CREATE OR REPLACE VIEW merchant_hour AS
SELECT
    to_timestamp(epoch_us(minute) // 3600000000 * 3600)          AS hour,
    merchant_id,
    sum(approval_count)::BIGINT                                  AS approval_count,
    sum(cancel_count)::BIGINT                                    AS cancel_count,
    sum(approval_amount)::BIGINT                                 AS approval_amount,
    sum(cancel_amount)::BIGINT                                   AS cancel_amount,
    sum(cancel_count) / nullif(sum(approval_count), 0)           AS cancel_rate,
    sum(cancel_fresh_count)::BIGINT                              AS cancel_fresh_count,
    sum(cancel_older_count)::BIGINT                              AS cancel_older_count
FROM merchant_minute
GROUP BY ALL;

-- One row per merchant and business day of the configured zone.
CREATE OR REPLACE VIEW merchant_day AS
WITH summed AS (
    SELECT
        business_date,
        merchant_id,
        approval_count,
        cancel_count,
        approval_amount,
        cancel_amount,
        cancel_fresh_count,
        cancel_older_count
    FROM ({summed_days}) AS closed
    UNION ALL
    SELECT
        CAST(make_timestamp(epoch_us(minute) + {offset_us}) AS DATE),
        merchant_id,
        sum(approval_count)::BIGINT,
        sum(cancel_count)::BIGINT,
        sum(approval_amount)::BIGINT,
        sum(cancel_amount)::BIGINT,
        sum(cancel_fresh_count)::BIGINT,
        sum(cancel_older_count)::BIGINT
    FROM ({other_minutes}) AS open
    GROUP BY ALL
)
SELECT
    business_date,
    merchant_id,
    approval_count,
    cancel_count,
    approval_amount,
    cancel_amount,
    cancel_count / nullif(approval_count, 0)                     AS cancel_rate,
    cancel_fresh_count,
    cancel_older_count
FROM summed;

-- The book of exposure of the newest minute that has one. One row per merchant.
CREATE OR REPLACE VIEW exposure_now AS
SELECT * FROM exposure WHERE minute = (SELECT max(minute) FROM exposure);

-- The book at the end of each business day, of today at the newest minute. One row per merchant and business day.
CREATE OR REPLACE VIEW exposure_day AS
WITH dated AS (
    SELECT CAST(make_timestamp(epoch_us(minute) + {offset_us}) AS DATE) AS business_date, * FROM exposure
),
last_of AS (
    SELECT business_date, max(minute) AS minute FROM dated GROUP BY business_date
)
SELECT dated.* FROM dated JOIN last_of USING (business_date, minute);
