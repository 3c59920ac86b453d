#!/usr/bin/env bash
# Turns a release's SHA256SUMS into lines of releases.txt: pin.sh VERSION REPOSITORY_URL <SHA256SUMS
set -euo pipefail

while read -r checksum file; do
    target=${file#memguard-}
    echo "$1 ${target%.tar.gz} $checksum $2/releases/download/v$1/$file"
done
