"""A parent of 300 MiB that starts 100 short processes one after another, and takes 1 MiB more beside each."""
import multiprocessing
import time


def job():
    time.sleep(0.02)


def take(mib):
    return bytearray(b"1") * (mib << 20)


if __name__ == "__main__":
    held = [take(300)]
    time.sleep(0.3)
    print("ready", flush=True)
    for _ in range(100):
        process = multiprocessing.get_context("fork").Process(target=job)
        process.start()
        held.append(take(1))
        process.join()
    time.sleep(2)
