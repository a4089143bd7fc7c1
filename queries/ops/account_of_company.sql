-- An account is now known by its number at the identity provider. Parameters: account_id, oidc_issuer, oidc_subject.
-- Grain: none.
UPDATE account SET oidc_issuer = :oidc_issuer, oidc_subject = :oidc_subject WHERE account_id = :account_id
