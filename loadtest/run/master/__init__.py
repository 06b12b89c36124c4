"""The master of a run: prepares it, hands it out, collects from the workers, and writes the record."""
