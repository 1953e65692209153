"""One repository per aggregate: the only code that writes heads and versions."""
