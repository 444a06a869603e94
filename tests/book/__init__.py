"""The pages: what each must keep, and that a page which does not is named."""
