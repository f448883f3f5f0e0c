"""Files into documents and pages: found, probed in killable children, written in batches."""
