"""The commands of the program: their options, help texts and output."""
