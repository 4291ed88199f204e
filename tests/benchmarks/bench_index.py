"""The index of 500 partners: bytes, seconds to render it and to commit it, and what a browser spends on loading it.

    python tests/benchmarks/bench_index.py --partners 500

Loading is told as time on the clock, and as processor time of the page's thread, which a busy machine changes little.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path[0:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "run")]

from test_index import loaded, portfolio  # noqa: E402

from catchment.run.site import index, manifest  # noqa: E402


def loads(path, times):
    """(Seconds on the clock to the load event, processor seconds of the page's thread) of each of several loads in a fresh tab."""
    with sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"), args=["--no-sandbox", "--disable-gpu"]
        )
        for _ in range(times):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            yield loaded(tab, path)
            tab.close()
        browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--partners", type=int, default=500)
    parser.add_argument("--times", type=int, default=8)
    options = parser.parse_args()
    made = portfolio(options.partners)
    index.render(made)
    begun = time.process_time()
    text = index.render(made).encode()
    rendered = time.process_time()
    listed = sum(len(each) for each in manifest.texts(made).values())
    print(
        f"{options.partners} partners, {len(made['pages'])} pages: index {len(text) / 1e3:,.0f} kB in {rendered - begun:.2f} s CPU, manifests {listed / 1e6:.1f} MB in {time.process_time() - rendered:.2f} s CPU"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "index.html")
        path.write_bytes(text)
        clock, processor = (sorted(each) for each in zip(*loads(path, options.times), strict=True))
    print(
        f"load event after {clock[0]:.2f} to {clock[-1]:.2f} s (median {clock[len(clock) // 2]:.2f}); the page's thread worked {processor[0]:.2f} to {processor[-1]:.2f} s"
    )


if __name__ == "__main__":
    main()
