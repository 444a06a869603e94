"""How fast losses and notebooks run, where the notebooks run alike, what the tests catch, what verify says of others."""
