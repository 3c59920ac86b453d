#!/bin/sh
# A database of its own in ./data, filled for pgbench at scale 20 (about 300 MB). Done once.
set -eu
cd "$(dirname "$0")"
[ -d data ] && exit 0
initdb -D data -U postgres -A trust >/dev/null
pg_ctl -D data -w -o "-p 5499 -k $PWD -c listen_addresses=127.0.0.1" -l setup.log start
createdb -U postgres -h 127.0.0.1 -p 5499 bench
pgbench -U postgres -h 127.0.0.1 -p 5499 -i -s 20 -q bench
pg_ctl -D data -w stop
