-- Whom the identity provider means: by its own number, else by an e-mail that it has verified and nobody else uses.
-- Parameters: oidc_issuer, oidc_subject, email (null: not verified). Grain: one row, or none.
SELECT account_id, name, role, oidc_subject, disabled_at
FROM account
WHERE (oidc_issuer = :oidc_issuer AND oidc_subject = :oidc_subject)
   OR (oidc_subject IS NULL AND lower(email) = lower(:email))
ORDER BY oidc_subject NULLS LAST
LIMIT 1
FOR NO KEY UPDATE
