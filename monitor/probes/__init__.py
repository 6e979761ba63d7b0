"""One protocol per file, one signature; the registry names them."""
