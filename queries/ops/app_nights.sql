-- What a pack measured of itself on some business days.
-- Parameters: pack, first, last (business days, both included). Grain: one row per business day that was measured.
SELECT day, result FROM nightly WHERE pack = :pack AND day BETWEEN :first AND :last ORDER BY day
