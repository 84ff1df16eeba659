"""disio."""
