"""What a run or a status says: as values, as text, as JSON. What prints it is `cli`."""
