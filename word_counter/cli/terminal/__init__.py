"""Text, tables, logging and signals of one terminal."""
