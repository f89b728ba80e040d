"""The commands: what people type, and what they see."""
