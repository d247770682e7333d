"""A miniature of the whole system, trained on drawn faces: small enough to come with the library."""
