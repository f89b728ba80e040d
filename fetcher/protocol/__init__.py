"""The messages between the roles, and the plain data in them."""
