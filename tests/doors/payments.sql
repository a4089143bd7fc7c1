-- What the insurer paid in a span. Parameters: $1 start, $2 end (timestamptz). Grain: one row per payment.
SELECT door_id, amount, day, paid_at FROM payments WHERE paid_at >= $1 AND paid_at < $2
