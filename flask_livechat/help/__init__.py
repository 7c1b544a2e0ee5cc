"""What answers before anybody asks: articles from the app's repository, their search and their pages. On first use."""
