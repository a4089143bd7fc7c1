-- Slack, both ways: what people pressed there, each press once, and the pictures of incidents.

-- A press is kept before Slack is told that it arrived, and settled by the transaction of its act.
CREATE TABLE press (
    press_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key          text NOT NULL UNIQUE CHECK (key <> ''),  -- Slack's own: delivered twice, it is one press
    team         text NOT NULL CHECK (team <> ''),
    slack_user   text NOT NULL CHECK (slack_user <> ''),
    installation text NOT NULL,                            -- as the button says; of another one it is refused
    pack         text NOT NULL,
    act          text NOT NULL CHECK (act <> ''),
    thing        text NOT NULL CHECK (thing <> ''),
    given        jsonb NOT NULL CHECK (jsonb_typeof(given) = 'object'),
    response_url text,                                     -- null: the person was answered, or cannot be
    state        text NOT NULL DEFAULT 'taken' CHECK (state IN ('taken', 'done', 'refused', 'expired')),
    taken_at     timestamptz NOT NULL DEFAULT now(),
    settled_at   timestamptz,
    CHECK ((state = 'taken') = (settled_at IS NULL))
);
CREATE INDEX press_unsettled ON press (taken_at) WHERE state = 'taken' OR response_url IS NOT NULL;

-- A picture that was uploaded for an incident's message: later edits of the message show it too.
CREATE TABLE picture (
    incident_id bigint NOT NULL REFERENCES incident ON DELETE CASCADE,
    channel     text NOT NULL CHECK (channel <> ''),
    message_ts  text NOT NULL CHECK (message_ts <> ''),
    file_id     text CHECK (file_id <> ''),                -- null: there is none, and none will be
    shown_at    timestamptz,                               -- when the message was edited to show it
    made_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (incident_id, channel, message_ts),
    CHECK (shown_at IS NULL OR file_id IS NOT NULL)
);
