"""Where the images are kept."""
