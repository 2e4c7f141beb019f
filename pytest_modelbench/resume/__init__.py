"""Going on where an earlier session ended: what of it still holds, and what is measured again."""
