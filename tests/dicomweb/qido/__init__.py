"""Searches of images, and who may see what of them."""
