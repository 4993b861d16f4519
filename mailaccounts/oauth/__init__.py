"""Sign-in at Google and Microsoft (OAuth 2): from the first click to the token that SMTP wants."""
