"""What the tasks of a job came to, and the receipt that says so."""
