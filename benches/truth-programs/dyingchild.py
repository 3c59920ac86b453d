"""dyingchild.py MIB COUNT: a small parent; each child takes MIB at once and exits."""
import mmap
import os
import sys
import time

time.sleep(0.5)
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        mmap.mmap(-1, int(sys.argv[1]) << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
        os._exit(0)
    os.wait()
    time.sleep(0.05)
time.sleep(0.5)
