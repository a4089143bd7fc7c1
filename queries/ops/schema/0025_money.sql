-- What is said of an incident's money beside its parts, and what is likely to be lost of it. Incidents are priced
-- anew each minute, and ordered by the expected loss where it is known, else by the sum of their parts.

UPDATE incident SET parts = (parts - 'cancelled_unrecovered')
    || jsonb_build_object('unrecovered', parts -> 'cancelled_unrecovered')
WHERE parts ? 'cancelled_unrecovered';
-- Messages that wait are said, and those that were sent are shown, from the same names.
UPDATE outbox SET message = jsonb_set(
    message, '{parts}',
    (message -> 'parts') - 'cancelled_unrecovered'
        || jsonb_build_object('unrecovered', message #> '{parts,cancelled_unrecovered}')
)
WHERE jsonb_typeof(message -> 'parts') = 'object' AND message -> 'parts' ? 'cancelled_unrecovered';

ALTER TABLE incident
    ADD COLUMN told_money jsonb CHECK (told_money ?& ARRAY['minute', 'shown']),
    ADD COLUMN figures jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(figures) = 'object'),
    ADD COLUMN expected_loss bigint GENERATED ALWAYS AS (
        CASE WHEN jsonb_typeof(figures -> 'expected_loss') = 'number' THEN (figures ->> 'expected_loss')::bigint END
    ) STORED;
COMMENT ON COLUMN incident.figures IS 'By the names that the pack gives: amounts in minor units, dates as text; null: not known';
COMMENT ON COLUMN incident.told_money IS 'What people were last shown of its money, and when; null: nothing, or by an older version';
COMMENT ON COLUMN incident.expected_loss IS 'In minor units of the currency; null: not known';

DROP VIEW incident_now;
CREATE VIEW incident_now AS
SELECT pack, incident_id, rule, entity_id, entity_name, tier, severity, status, policy, times,
       opened_minute, last_breach_minute, told_minute, resolved_minute, corrected_minute,
       owner, snooze, dismissal, breached_minute, kept_minute, acted,
       parts, figures, told_money, latest_reason AS reason
FROM incident;

-- A message is brought up to date where its money has moved: it is edited, and nobody is called.
ALTER TABLE outbox
    DROP CONSTRAINT outbox_event_check,
    ADD CONSTRAINT outbox_event_check CHECK (event IN (
        'opened', 'reopened', 'escalated', 'repeated', 'acknowledged', 'corrected', 'resolved',
        'assigned', 'noted', 'snoozed', 'snooze_ended', 'broke_through', 'resolved_by', 'reopened_by', 'labelled',
        'unsilenced', 'priced'
    ));
