"""What a user writes (jobs, mappers, reducers), and the values that all other rooms share."""
