"""seqspike.py COUNT MIB: COUNT processes take MIB for a few ms three times each, never two at once."""
import mmap
import os
import sys
import time

ours, theirs = os.pipe()
os.write(theirs, b"x")
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        time.sleep(0.5)
        for _ in range(3):
            os.read(ours, 1)
            mmap.mmap(-1, int(sys.argv[2]) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()
            os.write(theirs, b"x")
            time.sleep(0.012)
        os._exit(0)
for _ in range(int(sys.argv[1])):
    os.wait()
time.sleep(0.5)
