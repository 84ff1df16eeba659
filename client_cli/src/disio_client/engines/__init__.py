"""What runs units: one process per slot, spoken to in frames."""
