"""Finished documents of orders: handed in by staff, fetched by customers through a link."""
