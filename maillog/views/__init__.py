"""Screens of the e-mail log: the list, one message, its content in safe dress, what staff do."""
