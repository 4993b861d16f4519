"""The demo's pages: the customer's side of a shop, and everybody's mailbox."""
