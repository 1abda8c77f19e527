"""A closer look at eyes, brows and mouth, whose points decide over expressions."""
