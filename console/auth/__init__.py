"""Who somebody is: passwords, sessions, tokens, links, the houses' own sign-in services, and limits on trying."""
