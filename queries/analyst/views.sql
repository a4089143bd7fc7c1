-- Views for analysts over merchant_minute, signal and quarantine. Grain: named in each view.
-- Of the cancels, cancel_fresh_count are of approvals made within the 24 hours before them, cancel_older_count of
-- earlier ones; the others name no approval.
-- Statements end with a semicolon at the end of a line. business_timezone is the configured zone.

-- One row per merchant and hour. The cancel rate is a ratio of sums; null where nothing was approved.
CREATE OR REPLACE VIEW merchant_hour AS
SELECT
    date_trunc('hour', minute)                                   AS hour,
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
SELECT
    CAST(timezone({business_timezone}, minute) AS DATE)                 AS business_date,
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
