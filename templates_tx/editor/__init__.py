"""The page on which staff write a message's words: draft, check, preview, versions, exchange."""
