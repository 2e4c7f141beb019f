"""A server that a suite names: started, waited for, watched and ended with all that it started."""
