"""Files that hold class maps: palette PNG, MAT, own masks, checks."""
