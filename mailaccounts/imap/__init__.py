"""IMAP synchronisation: the session with the mailbox, its form, its check."""
