"""What the terminology package promises."""
