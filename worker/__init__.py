"""The worker: the queue, its jobs, the processes that pulls run in, and what is renewed on a schedule."""
