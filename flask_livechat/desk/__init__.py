"""What the server does with a vendor beside the widget. Nothing in here is imported before its first use."""
