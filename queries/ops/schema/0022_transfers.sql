-- The tables of the pack transfers: every payment that was judged as it happened, what was found, and what people
-- and other machines did about it. They stand in a schema of the pack's name; the engine reads none of them.

CREATE SCHEMA transfers;

-- Every event once, as it is now. `written` tells whoever follows which transactions a snapshot did not show yet.
CREATE TABLE transfers.event (
    transfer_id    text PRIMARY KEY CHECK (length(transfer_id) BETWEEN 1 AND 64),
    kind           text NOT NULL CHECK (kind IN ('transfer', 'card', 'cash')),
    status         text NOT NULL CHECK (status IN ('completed', 'declined', 'reversed')),
    account_id     text NOT NULL CHECK (length(account_id) BETWEEN 1 AND 64),
    user_id        text NOT NULL,               -- the account where nobody said
    amount         bigint NOT NULL CHECK (amount BETWEEN 0 AND 10000000000000),  -- minor units
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    country        text,
    occurred_at    timestamptz(3) NOT NULL,
    payee_id       text,
    card_id        text,
    device_id      text,
    merchant_id    text,
    channel        text,
    lat_e6         integer CHECK (lat_e6 BETWEEN -90000000 AND 90000000),     -- millionths of a degree
    lon_e6         integer CHECK (lon_e6 BETWEEN -180000000 AND 180000000),
    account_opened timestamptz(3),
    number         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,                -- order of arrival
    arrived_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    inserted       xid8 NOT NULL DEFAULT pg_current_xact_id(),                -- the transaction that brought it
    written        xid8 NOT NULL DEFAULT pg_current_xact_id(),                -- the transaction that wrote it last
    CHECK ((lat_e6 IS NULL) = (lon_e6 IS NULL))
);
CREATE INDEX event_written ON transfers.event (written);
CREATE INDEX event_occurred ON transfers.event (occurred_at);
CREATE INDEX event_account ON transfers.event (account_id, occurred_at);

-- A later word on an event that is there: another status is a correction, anything else a conflict. Only added to.
CREATE TABLE transfers.correction_log (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer_id text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('correction', 'conflict')),
    before      jsonb NOT NULL,
    after       jsonb NOT NULL,
    origin      text NOT NULL CHECK (origin IN ('relay', 'http', 'source', 'desk')),
    written     xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX correction_log_event ON transfers.correction_log (transfer_id, number);

-- One row per judged event.
CREATE TABLE transfers.risk_log (
    transfer_id  text PRIMARY KEY,
    number       bigint GENERATED ALWAYS AS IDENTITY UNIQUE,  -- who follows the feed goes on from here
    occurred_at  timestamptz(3) NOT NULL,
    account_id   text NOT NULL,
    status       text NOT NULL,                               -- of the event, as it was judged
    decision     text NOT NULL CHECK (decision IN ('allow', 'review', 'block')),
    score        smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    why          text NOT NULL CHECK (why IN ('rules', 'denied', 'allowed')),  -- a list decided
    late         boolean NOT NULL DEFAULT false,
    revision     smallint NOT NULL DEFAULT 0,                 -- grows when the answer changed
    judged_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    confirmed_at timestamptz                                  -- by the closed minute
);
CREATE INDEX risk_log_occurred ON transfers.risk_log (occurred_at);
CREATE INDEX risk_log_told ON transfers.risk_log (occurred_at) WHERE decision <> 'allow';
CREATE INDEX risk_log_alert ON transfers.risk_log (number) WHERE decision <> 'allow';

-- A rule that fired at an event. A hit that turned out wrong is marked, never deleted.
CREATE TABLE transfers.risk_rule_hit (
    number       bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    transfer_id  text NOT NULL,
    rule         text NOT NULL,
    version      integer NOT NULL,
    severity     text NOT NULL CHECK (severity IN ('medium', 'high', 'critical')),
    score        smallint NOT NULL,
    action       text NOT NULL CHECK (action IN ('none', 'review', 'block')),
    mode         text NOT NULL CHECK (mode IN ('live', 'shadow')),
    occurred_at  timestamptz(3) NOT NULL,
    explanation  text NOT NULL,                               -- every node's value, canonical JSON: the same bytes for ever
    say_ko       text NOT NULL DEFAULT '',                    -- in words, as the version says it
    say_en       text NOT NULL DEFAULT '',
    late         boolean NOT NULL DEFAULT false,              -- fired only when the event had been judged before
    revision     smallint NOT NULL DEFAULT 0,                 -- grows when its values changed, or it held after all
    hit_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    corrected_at timestamptz,
    corrected_by text,                                        -- what made it wrong: an id of an event, or 'minute'
    PRIMARY KEY (transfer_id, rule, version),
    CHECK ((corrected_at IS NULL) = (corrected_by IS NULL))
);
CREATE INDEX risk_rule_hit_occurred ON transfers.risk_rule_hit (occurred_at);

-- Relays: 64 buckets of accounts, each leased to one of them. An older epoch writes nothing.
CREATE TABLE transfers.bucket_lease (
    bucket smallint PRIMARY KEY CHECK (bucket BETWEEN 0 AND 63),
    owner  text,
    epoch  bigint NOT NULL DEFAULT 0,
    until  timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO transfers.bucket_lease (bucket) SELECT generate_series(0, 63);

-- What could not be taken after its retries, whatever way it came.
CREATE TABLE transfers.dead_event (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id    text NOT NULL UNIQUE,           -- of the outbox; of other ways in, the way and a hash
    account_id  text,
    payload     jsonb NOT NULL,
    error       text NOT NULL,
    attempts    smallint NOT NULL,
    died_at     timestamptz NOT NULL DEFAULT now(),
    requeued_at timestamptz,
    requeued_by text,
    delivered_at timestamptz,                   -- it got through after all; until then the account is marked
    CHECK ((requeued_at IS NULL) = (requeued_by IS NULL))
);
CREATE INDEX dead_event_account ON transfers.dead_event (account_id) WHERE delivered_at IS NULL;

-- Relays that are at work: they share the buckets by how many they are.
CREATE TABLE transfers.relay (
    owner   text PRIMARY KEY,                   -- a name and a part that no other process has
    seen_at timestamptz NOT NULL,
    breaker text NOT NULL DEFAULT 'closed' CHECK (breaker IN ('closed', 'open', 'held')),
    error   text,                               -- what opened it
    sent    bigint NOT NULL DEFAULT 0
);

-- Held open by people: while a row is here no relay delivers anything. What it was held for stands in the audit.
CREATE TABLE transfers.breaker (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    reason    text NOT NULL CHECK (reason <> '')
);

-- What a check answered, and what it holds of the account until the event is booked, released, or its time is over.
CREATE TABLE transfers.reservation (
    transfer_id    text PRIMARY KEY,
    account_id     text NOT NULL,
    event          jsonb NOT NULL,
    content_sha256 text NOT NULL,               -- of the event as it was asked: the same again gets the same answer
    answer         jsonb NOT NULL,
    decided_by     text NOT NULL CHECK (decided_by IN ('rules', 'fallback')),
    doubt          text,                        -- why it was the fallback
    seen           pg_snapshot,                 -- which transactions the state had read; null: it was the fallback
    beside         text[] NOT NULL DEFAULT '{}',  -- ids of the account's live reservations that counted
    checked_at     timestamptz NOT NULL,
    reserved_until timestamptz NOT NULL,        -- checked_at: it holds nothing
    released_at    timestamptz,
    released_by    text CHECK (released_by IN ('booked', 'asked', 'time')),
    rejudged       text CHECK (rejudged IN ('same', 'late', 'differs')),  -- by the night's job
    CHECK ((released_at IS NULL) = (released_by IS NULL))
);
CREATE INDEX reservation_live ON transfers.reservation (reserved_until) WHERE released_at IS NULL;
CREATE INDEX reservation_checked ON transfers.reservation (checked_at);
