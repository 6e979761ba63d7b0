"""How pages and API are served: routes and who may take them, visits, forms, tables, words, assets. It knows no page."""
