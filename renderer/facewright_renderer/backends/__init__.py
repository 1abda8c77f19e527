"""Graphics libraries behind the `Renderer` protocol."""
