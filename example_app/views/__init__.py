"""One blueprint per section of the site."""
