"""Looking at runs that are kept: listed, shown, watched while they are made, over time."""
