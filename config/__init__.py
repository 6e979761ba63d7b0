"""Settings, secrets and strict YAML."""
