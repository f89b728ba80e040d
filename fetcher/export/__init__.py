"""What becomes of rows: chosen, merged, and written in other forms; one file for each form."""
