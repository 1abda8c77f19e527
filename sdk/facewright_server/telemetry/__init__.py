"""Numbers and spans about the server; never about what is in a request."""
