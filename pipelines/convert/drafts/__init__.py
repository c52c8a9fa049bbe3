"""What to convert: a draft each for VOC, SBD, AVA and folders."""
