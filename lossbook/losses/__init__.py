"""One file for each loss: its function, its module, its definition, its working and its entry in the catalogue."""
