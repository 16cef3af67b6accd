"""What the sources say: columns, vocabulary, tables, converters, extraction, and starting a review."""
