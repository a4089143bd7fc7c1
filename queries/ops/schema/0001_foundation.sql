-- The operational database: what is published (lake_file, minute_ledger), how far we are (watermark),
-- who may write (leader), what was found (incident) and what people are told (outbox).
-- CHECKs and partial unique indexes make impossible rows impossible; the code does not have to be trusted.

CREATE TABLE leader (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    installation uuid NOT NULL DEFAULT gen_random_uuid(),  -- part of every message's key
    epoch        bigint NOT NULL DEFAULT 0 CHECK (epoch >= 0),
    holder       text NOT NULL DEFAULT '',
    heartbeat_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO leader DEFAULT VALUES;

-- One row once the first history is published: the next minute to judge.
CREATE TABLE watermark (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_minute timestamptz NOT NULL CHECK (date_trunc('minute', next_minute, 'UTC') = next_minute),
    version     bigint NOT NULL DEFAULT 1 CHECK (version > 0)  -- grows with every commit; readers never go back
);

-- One row per immutable Parquet file ever committed; retired_at is set when another file has replaced it.
CREATE TABLE lake_file (
    file_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dataset         text NOT NULL CHECK (dataset IN ('merchant_minute', 'signal', 'quarantine')),
    path            text NOT NULL UNIQUE,
    start_minute    timestamptz NOT NULL,
    end_minute      timestamptz NOT NULL CHECK (end_minute > start_minute),
    rows            bigint NOT NULL CHECK (rows > 0),
    bytes           bigint NOT NULL CHECK (bytes > 0),
    sha256          text NOT NULL CHECK (length(sha256) = 64),
    created_at      timestamptz NOT NULL DEFAULT now(),
    retired_at      timestamptz,
    -- No minute is published twice: double counting is refused by the database itself.
    CONSTRAINT merchant_minute_once EXCLUDE USING gist (tstzrange(start_minute, end_minute) WITH &&)
        WHERE (retired_at IS NULL AND dataset = 'merchant_minute'),
    CONSTRAINT signal_once EXCLUDE USING gist (tstzrange(start_minute, end_minute) WITH &&)
        WHERE (retired_at IS NULL AND dataset = 'signal'),
    CONSTRAINT quarantine_once EXCLUDE USING gist (tstzrange(start_minute, end_minute) WITH &&)
        WHERE (retired_at IS NULL AND dataset = 'quarantine')
);
CREATE INDEX lake_file_live ON lake_file (dataset, start_minute) WHERE retired_at IS NULL;
CREATE INDEX lake_file_retired ON lake_file (retired_at) WHERE retired_at IS NOT NULL;

-- One row per published minute, also for one without a single transaction: absence is data.
CREATE TABLE minute_ledger (
    minute          timestamptz PRIMARY KEY CHECK (date_trunc('minute', minute, 'UTC') = minute),
    revision        integer NOT NULL DEFAULT 0 CHECK (revision >= 0),
    state           text NOT NULL DEFAULT 'provisional' CHECK (state IN ('provisional', 'final')),
    approval_count  bigint NOT NULL CHECK (approval_count >= 0),
    cancel_count    bigint NOT NULL CHECK (cancel_count >= 0),
    approval_amount bigint NOT NULL CHECK (approval_amount >= 0),
    cancel_amount   bigint NOT NULL CHECK (cancel_amount >= 0),
    quarantined     bigint NOT NULL DEFAULT 0 CHECK (quarantined >= 0),
    -- Of all rows read, good or not: what reconciliation compares with the source.
    source_rows     bigint NOT NULL CHECK (source_rows = approval_count + cancel_count + quarantined),
    source_cancels  bigint NOT NULL CHECK (source_cancels >= cancel_count),
    source_amount   numeric NOT NULL,
    source_xmin     bigint NOT NULL,
    source_clock    timestamptz NOT NULL,
    judged_at       timestamptz,
    policy          text,
    committed_at    timestamptz NOT NULL DEFAULT now(),
    CHECK ((judged_at IS NULL) = (policy IS NULL))
);
CREATE INDEX minute_ledger_judged ON minute_ledger (minute) WHERE judged_at IS NOT NULL;

-- How far the search for late commits has come: the newest fence, and from when on rows could still be unseen.
CREATE TABLE source_fence (
    only_row  boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    snapshot_xmin bigint NOT NULL,
    snapshot_xmax bigint NOT NULL CHECK (snapshot_xmax >= snapshot_xmin),
    clock     timestamptz NOT NULL,
    look_back timestamptz NOT NULL CHECK (look_back <= clock)
);

-- Every change of a published minute, kept for the audit: before and after, as all rows of the source.
CREATE TABLE minute_revision (
    minute        timestamptz NOT NULL REFERENCES minute_ledger,
    revision      integer NOT NULL CHECK (revision > 0),
    cause         text NOT NULL CHECK (cause IN ('late_commit', 'reconciliation', 'damaged_file')),
    rows_before   bigint NOT NULL,
    rows_after    bigint NOT NULL,
    amount_before numeric NOT NULL,
    amount_after  numeric NOT NULL,
    revised_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (minute, revision)
);

-- Minutes that changed at the source after they were final, or that were never published. Nothing is dropped silently.
CREATE TABLE late_minute (
    minute   timestamptz PRIMARY KEY,
    found_at timestamptz NOT NULL DEFAULT now()
);

-- Minutes that a check found to differ; the leader reads them again and removes the request.
CREATE TABLE repair_request (
    minute       timestamptz PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE incident (
    incident_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule                  text NOT NULL CHECK (rule IN ('cancel_surge', 'volume_drop')),
    merchant_id           text NOT NULL CHECK (merchant_id <> ''),
    merchant_name         text,
    tier                  text NOT NULL CHECK (tier IN ('top', 'tail')),
    severity              text NOT NULL CHECK (severity IN ('medium', 'high', 'critical')),
    status                text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'acknowledged', 'resolved')),
    policy                text NOT NULL,
    opened_minute         timestamptz NOT NULL,
    last_breach_minute    timestamptz NOT NULL CHECK (last_breach_minute >= opened_minute),
    resolved_minute       timestamptz CHECK (resolved_minute > last_breach_minute),
    corrected_minute      timestamptz,  -- set when corrected data no longer breach the rule at any minute
    krw_at_risk           bigint NOT NULL CHECK (krw_at_risk >= 0),
    paid_out_cancelable   bigint NOT NULL CHECK (paid_out_cancelable >= 0),
    cancelled_unrecovered bigint NOT NULL CHECK (cancelled_unrecovered >= 0),
    reason                jsonb NOT NULL,
    latest_reason         jsonb NOT NULL,
    opened_at             timestamptz NOT NULL DEFAULT now(),
    acknowledged_at       timestamptz,
    acknowledged_by       text,
    resolved_at           timestamptz,
    CHECK (krw_at_risk = paid_out_cancelable + cancelled_unrecovered),
    CHECK ((status = 'resolved') = (resolved_minute IS NOT NULL)),
    CHECK ((status = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK (status <> 'acknowledged' OR acknowledged_at IS NOT NULL)
);
-- One unresolved incident per rule and merchant.
CREATE UNIQUE INDEX incident_one_active ON incident (rule, merchant_id) WHERE status <> 'resolved';
CREATE INDEX incident_by_time ON incident (opened_minute DESC);

-- One row per thing people are told. The row is written by the transaction that changed the incident.
CREATE TABLE outbox (
    outbox_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id     bigint NOT NULL REFERENCES incident,
    event           text NOT NULL CHECK (event IN ('opened', 'escalated', 'acknowledged', 'corrected', 'resolved')),
    minute          timestamptz NOT NULL,
    message         jsonb NOT NULL,
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'sent', 'dead')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    leased_until    timestamptz,
    ambiguous       boolean NOT NULL DEFAULT false,  -- an attempt may have reached people although it failed
    channel         text,
    message_ts      text,
    last_error      text,
    created_at      timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz,
    UNIQUE (incident_id, event, minute),
    CHECK ((status = 'sending') = (leased_until IS NOT NULL)),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL)),
    CHECK (status <> 'dead' OR last_error IS NOT NULL)
);
CREATE INDEX outbox_to_send ON outbox (next_attempt_at) WHERE status IN ('pending', 'sending');
CREATE INDEX outbox_by_incident ON outbox (incident_id, outbox_id);
CREATE INDEX outbox_by_message ON outbox (channel, message_ts);
