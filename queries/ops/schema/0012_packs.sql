-- Several domains in one installation, each a pack: every row says whose it is, and has no domain's own columns.
-- What an installation held before is of the pack merchants. The setting minuterisk.currency of this session names
-- the currency of its money.

CREATE TABLE pack (
    pack   text PRIMARY KEY CHECK (pack <> ''),
    number integer GENERATED ALWAYS AS IDENTITY (MINVALUE 0 START WITH 0) UNIQUE  -- tells its lock from other packs'
);
INSERT INTO pack (pack) VALUES ('merchants');

-- Who leads: a scope is a pack.
ALTER TABLE leader ADD COLUMN scope text NOT NULL DEFAULT 'merchants' CHECK (scope <> '');
ALTER TABLE leader
    ALTER COLUMN scope DROP DEFAULT,
    DROP COLUMN only_row,
    ADD PRIMARY KEY (scope);

DROP VIEW stray_count;

ALTER TABLE watermark ADD COLUMN pack text NOT NULL DEFAULT 'merchants' REFERENCES pack;
ALTER TABLE watermark
    ALTER COLUMN pack DROP DEFAULT,
    DROP COLUMN only_row,
    ADD PRIMARY KEY (pack);

-- No minute is published twice: one rule for every dataset of every pack. An embedded server has no btree_gist, so
-- that words stand in it as ranges of one word.
CREATE TYPE word_range AS RANGE (subtype = text, collation = "C");
ALTER TABLE lake_file ADD COLUMN pack text NOT NULL DEFAULT 'merchants' REFERENCES pack;
ALTER TABLE lake_file
    ALTER COLUMN pack DROP DEFAULT,
    DROP CONSTRAINT lake_file_dataset_check,
    ADD CHECK (dataset <> ''),
    DROP CONSTRAINT merchant_minute_once,
    DROP CONSTRAINT signal_once,
    DROP CONSTRAINT quarantine_once,
    ADD CONSTRAINT minute_once EXCLUDE USING gist (
        word_range(pack, pack, '[]') WITH &&,
        word_range(dataset, dataset, '[]') WITH &&,
        tstzrange(start_minute, end_minute) WITH &&
    ) WHERE (retired_at IS NULL);
DROP INDEX lake_file_live;
CREATE INDEX lake_file_live ON lake_file (pack, dataset, start_minute) WHERE retired_at IS NULL;

-- What a minute holds: sums that the pack names, of the good rows, and of all rows as the source itself counts them.
ALTER TABLE minute_revision DROP CONSTRAINT minute_revision_minute_fkey, DROP CONSTRAINT minute_revision_pkey;
ALTER TABLE minute_ledger
    ADD COLUMN pack        text NOT NULL DEFAULT 'merchants',
    ADD COLUMN rows        bigint,  -- good ones
    ADD COLUMN sums        jsonb,
    ADD COLUMN source_sums jsonb;   -- a number that may leave 64 bits or have a fraction is text
UPDATE minute_ledger SET
    rows = approval_count + cancel_count,
    sums = jsonb_build_object(
        'approval_count', approval_count, 'cancel_count', cancel_count,
        'approval_amount', approval_amount, 'cancel_amount', cancel_amount
    ),
    source_sums = jsonb_build_object('cancels', source_cancels, 'amount', source_amount::text);
DROP INDEX minute_ledger_judged;
ALTER TABLE minute_ledger
    ALTER COLUMN pack DROP DEFAULT,
    ALTER COLUMN rows SET NOT NULL,
    ALTER COLUMN sums SET NOT NULL,
    ALTER COLUMN source_sums SET NOT NULL,
    DROP COLUMN approval_count,
    DROP COLUMN cancel_count,
    DROP COLUMN approval_amount,
    DROP COLUMN cancel_amount,
    DROP COLUMN source_cancels,
    DROP COLUMN source_amount,
    DROP CONSTRAINT minute_ledger_pkey,
    ADD PRIMARY KEY (pack, minute),
    ADD FOREIGN KEY (pack) REFERENCES pack,
    ADD CHECK (rows >= 0),
    ADD CHECK (source_rows = rows + quarantined),
    ADD CHECK (jsonb_typeof(sums) = 'object' AND NOT jsonb_path_exists(sums, '$.* ? (@.type() != "number" || @ < 0)')),
    ADD CHECK (jsonb_typeof(source_sums) = 'object');
CREATE INDEX minute_ledger_judged ON minute_ledger (pack, minute) WHERE judged_at IS NOT NULL;

ALTER TABLE minute_revision
    ADD COLUMN pack        text NOT NULL DEFAULT 'merchants',
    ADD COLUMN sums_before jsonb,
    ADD COLUMN sums_after  jsonb;
UPDATE minute_revision SET
    sums_before = jsonb_build_object('amount', amount_before::text),
    sums_after = jsonb_build_object('amount', amount_after::text);
ALTER TABLE minute_revision
    ALTER COLUMN pack DROP DEFAULT,
    ALTER COLUMN sums_before SET NOT NULL,
    ALTER COLUMN sums_after SET NOT NULL,
    DROP COLUMN amount_before,
    DROP COLUMN amount_after,
    ADD PRIMARY KEY (pack, minute, revision),
    ADD FOREIGN KEY (pack, minute) REFERENCES minute_ledger;

-- The search for late commits: a fence for each database that a pack reads; its only one has no name.
ALTER TABLE source_fence
    ADD COLUMN pack   text NOT NULL DEFAULT 'merchants' REFERENCES pack,
    ADD COLUMN source text NOT NULL DEFAULT '';
ALTER TABLE source_fence
    ALTER COLUMN pack DROP DEFAULT,
    DROP COLUMN only_row,
    ADD PRIMARY KEY (pack, source);

ALTER TABLE repair_request ADD COLUMN pack text NOT NULL DEFAULT 'merchants' REFERENCES pack;
ALTER TABLE repair_request
    ALTER COLUMN pack DROP DEFAULT,
    DROP CONSTRAINT repair_request_pkey,
    ADD PRIMARY KEY (pack, minute);

ALTER TABLE stray_minute ADD COLUMN pack text NOT NULL DEFAULT 'merchants' REFERENCES pack;
ALTER TABLE stray_minute
    ALTER COLUMN pack DROP DEFAULT,
    DROP CONSTRAINT stray_minute_pkey,
    ADD PRIMARY KEY (pack, minute, reason);

-- How many of them ask for attention: found past the horizon within a day, or in the future and not yet come.
CREATE VIEW stray_count AS
SELECT
    pack,
    count(*) FILTER (WHERE reason = 'past' AND found_at > now() - interval '1 day') AS past,
    count(*) FILTER (WHERE reason = 'future' AND minute >= next_minute)             AS future
FROM pack
LEFT JOIN stray_minute USING (pack)
LEFT JOIN watermark USING (pack)
GROUP BY pack;

-- What a pack measures at night, one row per business day.
ALTER TABLE null_day RENAME TO nightly;
ALTER TABLE nightly RENAME COLUMN business_day TO day;
ALTER TABLE nightly ADD COLUMN pack text NOT NULL DEFAULT 'merchants' REFERENCES pack, ADD COLUMN result jsonb;
UPDATE nightly SET result = jsonb_build_object(
    'merchants', merchants, 'parts', parts, 'incidents', incidents, 'allowed', allowed,
    'drift_percent', drift_percent, 'drift_measured', drift_measured
);
ALTER TABLE nightly
    ALTER COLUMN pack DROP DEFAULT,
    ALTER COLUMN result SET NOT NULL,
    DROP COLUMN merchants,
    DROP COLUMN parts,
    DROP COLUMN incidents,
    DROP COLUMN allowed,
    DROP COLUMN drift_percent,
    DROP COLUMN drift_measured,
    DROP CONSTRAINT null_day_pkey,
    ADD PRIMARY KEY (pack, day);

-- What is known of an entity, from a minute on until its next row; null: unknown from then on.
ALTER TABLE merchant_category RENAME TO entity_fact;
ALTER TABLE entity_fact RENAME COLUMN merchant_id TO entity_id;
ALTER TABLE entity_fact RENAME COLUMN category TO value;
ALTER TABLE entity_fact ADD COLUMN pack text NOT NULL DEFAULT 'merchants' REFERENCES pack;
ALTER TABLE entity_fact
    ALTER COLUMN pack DROP DEFAULT,
    DROP CONSTRAINT merchant_category_pkey,
    ADD PRIMARY KEY (pack, entity_id, from_minute);
ALTER TABLE entity_fact RENAME CONSTRAINT merchant_category_from_minute_check TO entity_fact_from_minute_check;
ALTER TABLE entity_fact RENAME CONSTRAINT merchant_category_category_check TO entity_fact_value_check;
DROP INDEX merchant_category_from_minute;
CREATE INDEX entity_fact_from_minute ON entity_fact (pack, from_minute);

-- Money at risk is the sum of parts that the pack names; a part that is not known makes the sum unknown.
CREATE FUNCTION total_of(parts jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN bool_and(jsonb_typeof(value) = 'number')
        THEN sum(CASE WHEN jsonb_typeof(value) = 'number' THEN value::bigint END)::bigint
    END
    FROM jsonb_each(parts)
$$;
ALTER TABLE incident
    DROP CONSTRAINT incident_rule_check,
    DROP CONSTRAINT incident_platform_check,
    DROP CONSTRAINT incident_platform_money_check;
ALTER TABLE incident RENAME COLUMN merchant_id TO entity_id;
ALTER TABLE incident RENAME COLUMN merchant_name TO entity_name;
ALTER TABLE incident RENAME CONSTRAINT incident_merchant_id_check TO incident_entity_id_check;
ALTER TABLE incident
    ADD COLUMN pack     text NOT NULL DEFAULT 'merchants',
    ADD COLUMN currency text,
    ADD COLUMN parts    jsonb;
UPDATE incident SET
    currency = coalesce(nullif(current_setting('minuterisk.currency', true), ''), 'KRW'),
    parts = jsonb_build_object(
        'paid_out_cancelable', paid_out_cancelable, 'cancelled_unrecovered', cancelled_unrecovered
    );
DROP INDEX incident_one_active, incident_by_time, incident_by_end;
ALTER TABLE incident
    ALTER COLUMN pack DROP DEFAULT,
    ALTER COLUMN currency SET NOT NULL,
    ALTER COLUMN parts SET NOT NULL,
    DROP COLUMN krw_at_risk,
    DROP COLUMN paid_out_cancelable,
    DROP COLUMN cancelled_unrecovered,
    ADD FOREIGN KEY (pack) REFERENCES pack,
    ADD CHECK (rule <> ''),
    ADD CHECK (currency ~ '^[A-Z]{3}$'),
    ADD CHECK (
        jsonb_typeof(parts) = 'object'
        AND NOT jsonb_path_exists(parts, '$.* ? (@ != null && (@.type() != "number" || @ < 0))')
    );
ALTER TABLE incident ADD COLUMN at_risk bigint GENERATED ALWAYS AS (total_of(parts)) STORED;
COMMENT ON COLUMN incident.at_risk IS 'In minor units of the currency; null: a part of it is not known';
-- One unresolved incident per rule and entity.
CREATE UNIQUE INDEX incident_one_active ON incident (pack, rule, entity_id) WHERE status <> 'resolved';
CREATE INDEX incident_by_time ON incident (pack, opened_minute DESC);
CREATE INDEX incident_by_end ON incident (pack, resolved_minute) WHERE status = 'resolved';

-- Incidents as they stand: what the next minute goes on from and what a message says.
CREATE VIEW incident_now AS
SELECT pack, incident_id, rule, entity_id, entity_name, tier, severity, status, policy, times,
       opened_minute, last_breach_minute, told_minute, resolved_minute, corrected_minute,
       parts, latest_reason AS reason
FROM incident;

-- Messages are data; those that wait are said, and those that were sent are shown, from the same names.
UPDATE outbox SET message =
    message - ARRAY['merchant_id', 'merchant_name', 'krw_at_risk', 'paid_out_cancelable', 'cancelled_unrecovered']
    || jsonb_build_object(
        'entity_id', message -> 'merchant_id',
        'entity_name', message -> 'merchant_name',
        'at_risk', message -> 'krw_at_risk',
        'parts', jsonb_build_object(
            'paid_out_cancelable', message -> 'paid_out_cancelable',
            'cancelled_unrecovered', message -> 'cancelled_unrecovered'
        )
    )
WHERE jsonb_typeof(message) = 'object' AND message ? 'merchant_id';

-- An alarm is of a pack, or ('') of the whole installation.
ALTER TABLE alarm ADD COLUMN pack text NOT NULL DEFAULT '';
UPDATE alarm SET pack = 'merchants';
ALTER TABLE alarm DROP CONSTRAINT alarm_pkey, ADD PRIMARY KEY (pack, name, subject);
