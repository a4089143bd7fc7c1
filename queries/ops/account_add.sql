-- A new account. Parameters: account, display_name, role, email, password_hash, os_user, oidc_issuer,
-- oidc_subject, now. Grain: one row.
INSERT INTO account (name, display_name, role, email, password_hash, os_user, oidc_issuer, oidc_subject, created_at)
VALUES (:account, :display_name, :role, :email, :password_hash, :os_user, :oidc_issuer, :oidc_subject, :now)
RETURNING account_id
