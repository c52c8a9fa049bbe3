"""Pascal VOC and SBD: pairs, lists, published splits."""
