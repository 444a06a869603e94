"""How fast the losses and the notebooks run, where the notebooks run alike, and what the tests catch."""
