"""What runs found wrong, as the state keeps it for the status and for later runs."""
