-- Nobody else changes the list of routes until this transaction ends; those who tell go on reading it.
-- Parameters: none. Grain: none.
LOCK TABLE route IN SHARE ROW EXCLUSIVE MODE
