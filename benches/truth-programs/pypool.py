"""A table in the parent, and a pool of three that builds dictionaries of changing size."""
import multiprocessing
import random
import time


def build(_):
    random.seed()
    return sum(len(text) for text in {i: str(i) * 3 for i in range(random.randrange(60000, 100000))}.values())


if __name__ == "__main__":
    table = [str(i) * 8 for i in range(150000)]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print("ready", flush=True)
        time.sleep(0.3)
        for _ in pool.imap_unordered(build, range(100)):
            pass
        time.sleep(2)
