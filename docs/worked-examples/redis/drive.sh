#!/bin/sh
# 200,000 keys of 1 KiB, then a snapshot by a forked child while half of them are written again.
set -eu
redis-benchmark -p 6399 -q -t set -n 400000 -r 200000 -d 1024 -P 16
redis-cli -p 6399 bgsave
redis-benchmark -p 6399 -q -t set,get -n 200000 -r 200000 -d 1024 -P 16
while redis-cli -p 6399 info persistence | grep -q rdb_bgsave_in_progress:1; do sleep 0.1; done
redis-cli -p 6399 info memory | grep used_memory_peak_human
