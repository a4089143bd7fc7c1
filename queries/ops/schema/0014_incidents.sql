-- What people do with incidents, and which signals they hold back.

ALTER TABLE incident
    ADD COLUMN owner           text CHECK (owner <> ''),           -- to whom it is assigned
    ADD COLUMN snooze          jsonb,                              -- by whom, since and until when, past what it ends
    ADD COLUMN dismissal       jsonb,                              -- a person resolved it: by whom, past what money it is back
    ADD COLUMN breached_minute timestamptz,                        -- of such a one: when its rule was last breached
    ADD COLUMN kept_minute     timestamptz,                        -- a person opened it again: quiet counts from here
    ADD COLUMN acted           integer NOT NULL DEFAULT 0 CHECK (acted >= 0),  -- acts that the judge goes on from
    ADD CHECK (status <> 'resolved' OR snooze IS NULL),
    ADD CHECK (status = 'resolved' OR dismissal IS NULL),
    ADD CHECK ((dismissal IS NULL) = (breached_minute IS NULL)),
    ADD CHECK (jsonb_typeof(snooze) = 'object'
               AND snooze ?& ARRAY['by', 'since', 'until', 'at_risk', 'severity', 'limit', 'breaches']),
    ADD CHECK (jsonb_typeof(dismissal) = 'object' AND dismissal ?& ARRAY['by', 'minute', 'at_risk', 'limit']);
CREATE INDEX incident_dismissed ON incident (pack, breached_minute) WHERE dismissal IS NOT NULL;

DROP VIEW incident_now;
CREATE VIEW incident_now AS
SELECT pack, incident_id, rule, entity_id, entity_name, tier, severity, status, policy, times,
       opened_minute, last_breach_minute, told_minute, resolved_minute, corrected_minute,
       owner, snooze, dismissal, breached_minute, kept_minute, acted,
       parts, latest_reason AS reason
FROM incident;

-- Everything people have done with incidents, in order; rows are added and never changed. The newest label counts.
CREATE TABLE incident_act (
    act_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES incident ON DELETE CASCADE,
    act         text NOT NULL CHECK (act IN ('acknowledge', 'assign', 'note', 'snooze', 'resolve', 'reopen', 'label')),
    by          text NOT NULL CHECK (by <> ''),
    account_id  bigint,
    at          timestamptz NOT NULL DEFAULT now(),
    given       jsonb NOT NULL CHECK (jsonb_typeof(given) = 'object'),
    CHECK (act <> 'label' OR given ->> 'label' IN ('true_alarm', 'false_alarm')),
    CHECK (act NOT IN ('resolve', 'reopen', 'label') OR given ->> 'reason' <> ''),
    CHECK (act <> 'note' OR given ->> 'text' <> '')
);
CREATE INDEX incident_act_of ON incident_act (incident_id, act_id);

-- Acts of people are told by the minute of the incident's newest numbers; further ones of that minute have a number.
ALTER TABLE outbox
    ADD COLUMN number integer NOT NULL DEFAULT 0 CHECK (number >= 0),
    DROP CONSTRAINT outbox_incident_id_event_minute_key,
    ADD CONSTRAINT outbox_told_once UNIQUE (incident_id, event, minute, number),
    DROP CONSTRAINT outbox_event_check,
    ADD CONSTRAINT outbox_event_check CHECK (event IN (
        'opened', 'reopened', 'escalated', 'repeated', 'acknowledged', 'corrected', 'resolved',
        'assigned', 'noted', 'snoozed', 'snooze_ended', 'broke_through', 'resolved_by', 'reopened_by', 'labelled'
    ));

-- Signals that people hold back: maintenance windows, and exclusions such as test shops. One begins and ends at a
-- minute that was not judged yet when somebody said so; so a minute that is judged again meets those it met.
CREATE TABLE withheld (
    withheld_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pack         text NOT NULL REFERENCES pack,
    kind         text NOT NULL CHECK (kind IN ('maintenance', 'excluded')),
    rule         text CHECK (rule <> ''),       -- null: every rule
    entity_id    text CHECK (entity_id <> ''),  -- null: everybody
    start_minute timestamptz NOT NULL,
    end_minute   timestamptz CHECK (end_minute >= start_minute),  -- not included; null: until somebody ends it
    reason       text NOT NULL CHECK (reason <> ''),
    by           text NOT NULL CHECK (by <> ''),
    at           timestamptz NOT NULL DEFAULT now(),
    ended_by     text CHECK (ended_by <> ''),
    ended_at     timestamptz,
    CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CHECK (ended_at IS NULL OR end_minute IS NOT NULL),
    CHECK (kind <> 'maintenance' OR end_minute IS NOT NULL),
    CHECK (kind <> 'excluded' OR entity_id IS NOT NULL)
);
CREATE INDEX withheld_of ON withheld (pack, start_minute);
