-- What kind of server answers: for `check`. read_only is how a replica is usually kept from being written.
-- Parameters: none. Grain: one row.
SELECT
    CURRENT_USER()    AS role,
    CONNECTION_ID()   AS connection_id,
    @@read_only       AS read_only,
    @@port            AS port,
    VERSION()         AS version
