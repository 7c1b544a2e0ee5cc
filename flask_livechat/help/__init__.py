"""What answers before anybody asks a person: articles, their search, and flows."""
