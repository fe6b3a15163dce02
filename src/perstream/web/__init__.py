"""HTTP API, server-sent events and the client that speaks to them."""
