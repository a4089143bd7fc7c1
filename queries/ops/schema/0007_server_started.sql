-- Which start of the source's server a fence was read from: after another one its transaction ids may be others.

ALTER TABLE source_fence ADD COLUMN server_started timestamptz;
COMMENT ON COLUMN source_fence.server_started IS 'Null: not known (another dialect, or a query that does not say)';
