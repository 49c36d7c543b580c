"""The vocabulary that maps rows to resources, and the engines that interpret it."""
