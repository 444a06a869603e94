"""One file for each loss: its function, its module, its definition, its steps and its entry in the catalogue."""
