"""Tests of the tables and of the rows made for them."""
