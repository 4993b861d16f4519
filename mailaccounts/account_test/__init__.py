"""The test of an account: steps in a task, a real message, and what its result means."""
