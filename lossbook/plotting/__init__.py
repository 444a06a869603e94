"""`lossbook.plot`: losses and their gradients over one variable."""
