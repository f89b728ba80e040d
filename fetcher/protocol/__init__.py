"""The messages between the roles, their encoding, and the data in them."""
