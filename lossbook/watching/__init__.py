"""Watch a loss while it is used: what comes in, what comes back, what moves."""
