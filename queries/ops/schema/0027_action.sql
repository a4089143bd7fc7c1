-- What is done about an incident's money: proposed, approved by somebody else, told to the company's own systems,
-- then confirmed by what the source shows, or lapsed. Nothing is ever changed in the source.

CREATE TABLE action (
    action_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pack            text NOT NULL REFERENCES pack,
    incident_id     bigint NOT NULL REFERENCES incident ON DELETE CASCADE,
    entity_id       text NOT NULL,
    kind            text NOT NULL CHECK (kind <> ''),
    percent         integer CHECK (percent BETWEEN 1 AND 100),
    amount          bigint CHECK (amount >= 0),
    helps_until     timestamptz,
    status          text NOT NULL DEFAULT 'proposed' CHECK (status IN (
                        'proposed', 'approved', 'told', 'confirmed', 'lapsed', 'declined', 'withdrawn')),
    by_machine      boolean NOT NULL DEFAULT false,
    money           jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(money) = 'object'),
    why             text NOT NULL DEFAULT '',
    proposed_at     timestamptz NOT NULL DEFAULT now(),
    proposed_by     text NOT NULL CHECK (proposed_by <> ''),
    proposer_id     bigint,
    decided_at      timestamptz,
    approved_by     text CHECK (approved_by <> ''),
    approver_id     bigint,
    told_at         timestamptz,
    ended_at        timestamptz,
    ended_by        text CHECK (ended_by <> ''),
    end_why         text NOT NULL DEFAULT '',
    outcome         jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(outcome) = 'object'),
    CHECK (proposer_id IS NULL OR approver_id IS NULL OR proposer_id <> approver_id),
    CHECK (NOT by_machine OR proposer_id IS NULL),
    CHECK (status NOT IN ('approved', 'told', 'confirmed') OR (approved_by IS NOT NULL AND decided_at IS NOT NULL)),
    CHECK (status NOT IN ('told', 'confirmed') OR told_at IS NOT NULL),
    CHECK ((status IN ('confirmed', 'lapsed', 'declined', 'withdrawn')) = (ended_at IS NOT NULL))
);
COMMENT ON COLUMN action.amount IS 'What it would keep, in minor units; null: not known';
COMMENT ON COLUMN action.proposer_id IS 'Null: minuterisk itself (by_machine), or somebody without an account';
COMMENT ON COLUMN action.decided_at IS 'When it was approved or declined';
COMMENT ON COLUMN action.ended_by IS 'Who declined, withdrew or confirmed it; null: what the source shows, or time';
COMMENT ON COLUMN action.money IS 'The money of the incident when it was proposed: parts and figures';
COMMENT ON COLUMN action.outcome IS 'What the pack says of it: kept, what a false alarm cost, in minor units; as far as it is known';
CREATE INDEX action_by_incident ON action (incident_id);
CREATE INDEX action_open ON action (pack, status) WHERE status IN ('proposed', 'approved', 'told');
-- minuterisk itself proposes one thing at a time.
CREATE UNIQUE INDEX action_by_machine ON action (incident_id)
    WHERE by_machine AND status IN ('proposed', 'approved', 'told');

-- What the company's own systems are told, with the very bytes that each try sends.
CREATE TABLE action_call (
    call_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action_id       bigint NOT NULL REFERENCES action ON DELETE CASCADE,
    event           text NOT NULL CHECK (event IN ('approved', 'withdrawn')),
    idempotency_key uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    body            text NOT NULL CHECK (body <> ''),
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sending', 'sent', 'dead', 'nowhere')),
    attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    leased_until    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz,
    last_error      text,
    UNIQUE (action_id, event),
    CHECK ((status = 'sending') = (leased_until IS NOT NULL)),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL))
);
COMMENT ON COLUMN action_call.status IS 'nowhere: no address was set when it was to be sent';
CREATE INDEX action_call_due ON action_call (next_attempt_at) WHERE status IN ('pending', 'sending');

-- What people and minuterisk do about money stands in the incident's timeline and is told like other acts.
ALTER TABLE incident_act
    DROP CONSTRAINT incident_act_act_check,
    ADD CONSTRAINT incident_act_act_check CHECK (act IN (
        'acknowledge', 'assign', 'note', 'snooze', 'resolve', 'reopen', 'label', 'action'
    ));
ALTER TABLE outbox
    DROP CONSTRAINT outbox_event_check,
    ADD CONSTRAINT outbox_event_check CHECK (event IN (
        'opened', 'reopened', 'escalated', 'repeated', 'acknowledged', 'corrected', 'resolved',
        'assigned', 'noted', 'snoozed', 'snooze_ended', 'broke_through', 'resolved_by', 'reopened_by', 'labelled',
        'unsilenced', 'priced', 'action'
    ));
