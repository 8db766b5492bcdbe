"""Running cells: backends, their bindings, the plan, worker processes and records."""
