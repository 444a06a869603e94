"""`lossbook.explain`: the steps of a loss, with the numbers of the reader."""
