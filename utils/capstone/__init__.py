"""Which recipe for my images? A plan that fits the minutes, and a report."""
