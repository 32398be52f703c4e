"""HTML of what pages show: pure functions from rows to text, each with a pure test."""
