-- Sets up the PostgreSQL of docker-compose.yml. psql runs it once, as administrator, when the volume is empty.
--
-- Parameters, from the environment: TRADE_PASSWORD, READER_PASSWORD, RELAY_PASSWORD, STATE_PASSWORD.
-- Afterwards there are three databases and four roles:
--   trade       owned by `trade`; `minuterisk_reader` may connect and SELECT, nothing else
--   transfers   the same; `minuterisk_relay` may also update the outbox
--   minuterisk  owned by `minuterisk`, the operational database

\set ON_ERROR_STOP on
\getenv trade_password TRADE_PASSWORD
\getenv reader_password READER_PASSWORD
\getenv relay_password RELAY_PASSWORD
\getenv state_password STATE_PASSWORD

-- CREATEROLE: trade_schema.sql, which `minuterisk simulate` runs again, names the reading role.
CREATE ROLE trade LOGIN CREATEROLE PASSWORD :'trade_password';
CREATE ROLE minuterisk LOGIN PASSWORD :'state_password';
CREATE ROLE minuterisk_reader LOGIN NOINHERIT PASSWORD :'reader_password';
ALTER ROLE minuterisk_reader SET default_transaction_read_only = on;

CREATE ROLE minuterisk_relay LOGIN NOINHERIT PASSWORD :'relay_password';

CREATE DATABASE minuterisk OWNER minuterisk;
REVOKE ALL ON DATABASE minuterisk FROM PUBLIC;

CREATE DATABASE trade OWNER trade;
REVOKE ALL ON DATABASE trade FROM PUBLIC;

\connect trade
SET ROLE trade;
\set schema `sed 's/{merchant_id_type}/BIGINT/g' /trade_schema.sql`
:schema
RESET ROLE;

CREATE DATABASE transfers OWNER trade;
REVOKE ALL ON DATABASE transfers FROM PUBLIC;

\connect transfers
SET ROLE trade;
\i /transfers_schema.sql
