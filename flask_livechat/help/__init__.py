"""What answers before anybody asks: articles of the app's repository, search and pages, and flows. On first use."""
