-- Shape 4: approvals and cancels in two tables; a cancel names its approval, and the merchant stands there alone.
CREATE TABLE approvals (
    approval_id BIGSERIAL PRIMARY KEY, store_id INTEGER, approved_amount BIGINT, approved_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ, is_deleted BOOLEAN
);
CREATE TABLE cancels (
    cancel_id BIGSERIAL PRIMARY KEY, approval_id BIGINT, cancel_amount BIGINT, canceled_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ, cancel_status TEXT
);
CREATE INDEX ON approvals (approved_at);
CREATE INDEX ON approvals (created_at);
CREATE INDEX ON cancels (canceled_at);
CREATE INDEX ON cancels (created_at);
INSERT INTO approvals (store_id, approved_amount, approved_at, created_at)
SELECT m, 1000 * m, t, t FROM generate_series(1, 3) AS m, generate_series({start}, now(), '2 minutes') AS t;
UPDATE approvals SET is_deleted = true WHERE approval_id % 700 = 7;
INSERT INTO cancels (approval_id, cancel_amount, canceled_at, created_at, cancel_status)
SELECT approval_id, approved_amount, approved_at + interval '20 seconds', approved_at + interval '20 seconds',
    CASE WHEN approval_id % 80 = 0 THEN 'FAILED' ELSE 'DONE' END
FROM approvals WHERE approval_id % 20 = 0;
INSERT INTO cancels (approval_id, cancel_amount, canceled_at, created_at, cancel_status)
SELECT o.approval_id, 500, s.t, s.t, 'DONE'
FROM (SELECT t, row_number() OVER (ORDER BY t) AS n FROM generate_series({surge}, now(), '10 seconds') AS t) AS s
JOIN (SELECT approval_id, row_number() OVER (ORDER BY approval_id) AS n FROM approvals WHERE store_id = 2) AS o
    ON o.n = s.n;
