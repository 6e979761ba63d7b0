"""Charts as SVG made on the server, for pages and papers alike. Colours are classes, so that they follow light and dark."""
