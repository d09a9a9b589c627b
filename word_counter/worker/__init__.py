"""The data plane: a supervised parent that renews leases, and children that run tasks."""
