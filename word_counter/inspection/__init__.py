"""Looking into jobs that run or ran: read-only, except for cancel and purge."""
