"""From notebooks to published pages: plan, fingerprints, a fork for each page, render, publish, history, schedule, cluster.

`runner.run` is one run. A page is built by `page.build` in a process of `pool.ForkPool`, here or on a cluster's worker, and
comes back as bytes; `publish.Publisher` alone writes to the two trees, `reports/` and `reports-internal/`.
"""
