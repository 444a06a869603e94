"""The book to take away, once per language: its notebooks as one archive, an EPUB and a PDF."""
