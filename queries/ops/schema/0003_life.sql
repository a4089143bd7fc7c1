-- The life of incidents: those that come back, those that are told again, and the platform as a whole.

ALTER TABLE incident
    ADD COLUMN times       integer NOT NULL DEFAULT 1 CHECK (times >= 1),  -- how often it has opened
    ADD COLUMN told_minute timestamptz,  -- when people were last told that it is there; null: when it opened
    DROP CONSTRAINT incident_rule_check,
    ADD CONSTRAINT incident_rule_check
        CHECK (rule IN ('cancel_surge', 'volume_drop', 'platform_outage', 'platform_cancels')),
    ADD CONSTRAINT incident_platform_check CHECK (rule NOT LIKE 'platform%' OR merchant_id = '*');
CREATE INDEX incident_by_end ON incident (resolved_minute) WHERE status = 'resolved';

ALTER TABLE outbox
    DROP CONSTRAINT outbox_event_check,
    ADD CONSTRAINT outbox_event_check CHECK (event IN (
        'opened', 'reopened', 'escalated', 'repeated', 'acknowledged', 'corrected', 'resolved'
    ));
