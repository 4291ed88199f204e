"""Building a page: a process of its own, the engine that runs its cells, the pool and the cluster that hand out the work."""
