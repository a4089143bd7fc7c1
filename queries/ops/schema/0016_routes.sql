-- Where incidents are told: routes to several channels, silences, and one row of the outbox for each channel.
-- What waits or was told before is of the default channel.

-- The list of routes, in the order of `place`; an incident goes where the first one that matches says.
CREATE TABLE route (
    name       text PRIMARY KEY CHECK (name <> '' AND name <> 'default'),
    place      integer NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (place >= 1),
    match      jsonb NOT NULL CHECK (jsonb_typeof(match) = 'object'),  -- field -> patterns
    channel    text NOT NULL CHECK (channel <> ''),
    second     text CHECK (second <> '' AND second <> channel),  -- told where `channel` cannot be
    goes_on    boolean NOT NULL DEFAULT false,  -- look at the routes below as well
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL DEFAULT ''
);

-- What is not told for a while. Ended by its time or by a person; then each pack is told what is still open.
CREATE TABLE silence (
    silence_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    match        jsonb NOT NULL CHECK (jsonb_typeof(match) = 'object' AND match <> '{}'),
    reason       text NOT NULL CHECK (reason <> ''),
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '90 days'),
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   text NOT NULL DEFAULT '',
    ended_at     timestamptz,  -- by a person, before its time
    ended_by     text,
    closed_packs text[] NOT NULL DEFAULT '{}',  -- packs whose people know that it is over
    CHECK ((ended_at IS NULL) = (ended_by IS NULL))
);

-- What the process that delivers can reach; others, the page among them, have no key to any channel.
CREATE TABLE reach (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    home_channel text NOT NULL CHECK (home_channel <> ''),  -- what `default` is called by its own name
    slack        boolean NOT NULL,
    apprise      text[] NOT NULL,
    said_at      timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE outbox
    ADD COLUMN destination text NOT NULL DEFAULT 'default' CHECK (destination <> ''),
    ADD COLUMN second      text CHECK (second <> destination),
    ADD COLUMN why         text NOT NULL DEFAULT 'no_route'
        CHECK (why IN ('route', 'no_route', 'told_before', 'second')),
    ADD COLUMN route       text,    -- the route that named the destination, or the first one of a second channel
    ADD COLUMN silence_id  bigint REFERENCES silence,  -- what keeps it, or kept its incident, from being told
    ADD COLUMN instead_of  bigint REFERENCES outbox ON DELETE SET NULL,  -- the message that its channel did not take
    DROP CONSTRAINT outbox_told_once,
    ADD CONSTRAINT outbox_told_once UNIQUE (incident_id, event, minute, number, destination),
    DROP CONSTRAINT outbox_status_check,
    ADD CONSTRAINT outbox_status_check CHECK (status IN ('pending', 'sending', 'sent', 'dead', 'silenced')),
    ADD CHECK (status <> 'silenced' OR silence_id IS NOT NULL),
    ADD CHECK (why <> 'route' OR route IS NOT NULL),
    DROP CONSTRAINT outbox_event_check,
    ADD CONSTRAINT outbox_event_check CHECK (event IN (
        'opened', 'reopened', 'escalated', 'repeated', 'acknowledged', 'corrected', 'resolved',
        'assigned', 'noted', 'snoozed', 'snooze_ended', 'broke_through', 'resolved_by', 'reopened_by', 'labelled',
        'unsilenced'
    ));
DROP INDEX outbox_to_send;
CREATE INDEX outbox_to_send ON outbox (destination, next_attempt_at) WHERE status IN ('pending', 'sending');
CREATE INDEX outbox_by_silence ON outbox (silence_id) WHERE silence_id IS NOT NULL;
CREATE INDEX outbox_second ON outbox (instead_of) WHERE instead_of IS NOT NULL;
