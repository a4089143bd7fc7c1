-- Shape 3: an event table of uuid ids and numeric amounts with type words, an enum, partitioned by time; cancels name
-- their payment. The role sees a view of it as well.
CREATE TYPE txn_type AS ENUM ('CAPTURED', 'REFUNDED', 'PARTIAL_REFUND', 'DECLINED', 'AUTHORIZED');
CREATE TABLE payment_events (
    event_id UUID NOT NULL DEFAULT gen_random_uuid(), payment_id UUID NOT NULL, merchant_uuid UUID NOT NULL,
    event_type txn_type NOT NULL, amount NUMERIC(18, 2), currency CHAR(5), event_time TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (event_id, event_time)
) PARTITION BY RANGE (event_time);
CREATE TABLE payment_events_old PARTITION OF payment_events FOR VALUES FROM (MINVALUE) TO ({surge});
CREATE TABLE payment_events_new PARTITION OF payment_events FOR VALUES FROM ({surge}) TO (MAXVALUE);
CREATE INDEX ON payment_events (event_time);
CREATE INDEX ON payment_events (created_at);
INSERT INTO payment_events (payment_id, merchant_uuid, event_type, amount, currency, event_time, created_at)
SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || m)::uuid, w.word::txn_type, 1000 * m, 'KRW', t, t
FROM generate_series(1, 3) AS m, generate_series({start}, now(), '2 minutes') AS t,
    (VALUES ('AUTHORIZED'), ('CAPTURED')) AS w (word)
UNION ALL
SELECT gen_random_uuid(), ('00000000-0000-0000-0000-00000000000' || m)::uuid, w.word::txn_type, 1000 * m, 'KRW', t, t
FROM generate_series(1, 3) AS m, generate_series({start}, now(), '80 minutes') AS t,
    (VALUES ('REFUNDED'), ('PARTIAL_REFUND'), ('DECLINED')) AS w (word);
INSERT INTO payment_events (payment_id, merchant_uuid, event_type, amount, currency, event_time, created_at)
SELECT gen_random_uuid(), '00000000-0000-0000-0000-000000000002', 'REFUNDED', 500, 'KRW', t, t
FROM generate_series({surge}, now(), '10 seconds') AS t;
