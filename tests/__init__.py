"""The tests, by what they look at: the package, the pages of the book, the built site, the tools; and, in the zoo,
right and wrong losses that `verify` must tell apart."""
