"""What is made from other files: stored notebooks, catalogues, a font, pictures, downloads."""
