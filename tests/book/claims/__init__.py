"""Why each verdict in book/claims.yml holds: small functions that compute it and assert it, one file a subject."""
