"""Pages into batches: what they cost, how they are levelled, and the rows that say so."""
