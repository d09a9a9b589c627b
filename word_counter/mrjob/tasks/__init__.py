"""Jobs in mrjob's API as tasks of this engine: what they run in, what runs them, and the Job that they come to."""
