"""Pictures and exercises of the book; only its pages call them."""
