"""Who calls, and how much they may: tokens, TLS, limits per client."""
