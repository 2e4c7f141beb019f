"""Quality of two sides, compared sample by sample."""
