"""The widget wing: what a page gets."""
