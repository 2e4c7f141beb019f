"""Whether all is there that cases need, looked at before anything is measured."""
