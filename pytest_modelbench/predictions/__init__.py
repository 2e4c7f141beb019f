"""What a model was heard to say, sample by sample, in files that can be scored again."""
