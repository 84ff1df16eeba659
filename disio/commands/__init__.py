"""Commands that need more than one part of disio."""
