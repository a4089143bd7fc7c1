-- Views for analysts over merchant_minute, signal and quarantine. Grain: named in each view.
-- Of the cancels, cancel_fresh_count are of approvals made within the 24 hours before them, cancel_older_count of
-- earlier ones; the others name no approval.
-- Statements end with a semicolon at the end of a line. offset_us is how far the configured zone is ahead of UTC.
-- Only functions of DuckDB 1.2's core: date_trunc, timezone and the like of a TIMESTAMPTZ need its ICU extension,
-- which an analyst's own client may lack.

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
SELECT
    CAST(make_timestamp(epoch_us(minute) + {offset_us}) AS DATE)  AS business_date,
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
