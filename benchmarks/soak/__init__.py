"""A server under load: right answers, the right refusals, flat memory, and a stop that loses nothing."""
