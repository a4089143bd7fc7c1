-- People: who they are, what they hold to prove it, and what they did. Of the whole installation, not of a pack.
-- Nobody is ever deleted: what they did names them. An account that may no longer act is disabled.

CREATE TABLE account (
    account_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE CHECK (name <> '' AND length(name) <= 80),
    display_name  text NOT NULL DEFAULT '',
    role          text NOT NULL CHECK (role <> ''),
    email         text CHECK (email <> ''),
    password_hash text,                       -- argon2id; null: cannot sign in with a password
    totp          bytea,                      -- the secret, under the key of the home; null: none was set
    totp_step     bigint,                     -- the newest step that was accepted: no code counts twice
    os_user       text UNIQUE CHECK (os_user <> ''),    -- who on the command line it is
    slack_user    text UNIQUE CHECK (slack_user <> ''), -- TEAM/USER
    oidc_issuer   text,
    oidc_subject  text,
    failures      integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    locked_until  timestamptz,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (oidc_issuer, oidc_subject),
    CHECK ((oidc_issuer IS NULL) = (oidc_subject IS NULL))
);
CREATE UNIQUE INDEX account_by_email ON account (lower(email));

CREATE TABLE session (
    session_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),  -- SHA-256; the token itself is kept nowhere
    account_id bigint NOT NULL REFERENCES account,
    way        text NOT NULL CHECK (way IN ('password', 'oidc', 'demo')),
    origin     text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL CHECK (expires_at > created_at),
    ended_at   timestamptz
);
CREATE INDEX session_open ON session (account_id) WHERE ended_at IS NULL;

CREATE TABLE api_key (
    api_key_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    secret_hash  bytea NOT NULL CHECK (length(secret_hash) = 32),
    account_id   bigint NOT NULL REFERENCES account,
    name         text NOT NULL CHECK (name <> ''),
    actions      text[] NOT NULL CHECK (cardinality(actions) > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL CHECK (expires_at > created_at),
    last_used_at timestamptz,
    last_origin  text,
    revoked_at   timestamptz
);

-- What people did and tried: only ever added to, each row with the hash of the one before it. Columns that are hashed
-- keep their text: json, not jsonb.
CREATE TABLE audit (
    number     bigint PRIMARY KEY CHECK (number > 0),
    at         timestamptz NOT NULL,
    account_id bigint REFERENCES account,     -- null: nobody's account
    actor      text NOT NULL,
    role       text NOT NULL,
    door       text NOT NULL,
    credential text NOT NULL,                 -- which session or key, never its secret
    origin     text NOT NULL,                 -- from where
    act        text NOT NULL,
    kind       text NOT NULL,                 -- of the thing
    thing      text NOT NULL,
    pack       text NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('done', 'refused')),
    before     json,
    after      json,
    why        text NOT NULL,
    previous   bytea NOT NULL CHECK (length(previous) = 32),
    hash       bytea NOT NULL UNIQUE CHECK (length(hash) = 32)
);
CREATE INDEX audit_by_thing ON audit (kind, thing);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only added to: no row of it changes or goes';
END
$$;
CREATE TRIGGER audit_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
