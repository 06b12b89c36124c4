"""How one run goes: options, plan, load, drain, record. Locust's events and messages are touched in `hooks`."""
