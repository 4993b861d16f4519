"""Screens of orders, settings and people."""
