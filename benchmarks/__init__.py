"""What the extension costs, measured beside what else there is."""
