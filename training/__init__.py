"""How the starter model was made: one command per stage, see training/README.md."""
