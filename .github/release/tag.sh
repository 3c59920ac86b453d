#!/usr/bin/env bash
# Pins the checksums of a release in the action, by a commit of its own on HEAD that its tags point at, and hands both on to `origin`:
#   tag.sh VERSION REPOSITORY_URL <SHA256SUMS
set -euo pipefail

bash .github/action/pin.sh "$1" "$2" >>.github/action/releases.txt
git switch --quiet --create "release-v$1"
git commit --quiet --message "The action installs $1" .github/action/releases.txt
git tag "v$1"
git push --quiet --atomic origin "release-v$1" "v$1"
# The newest of its major version.
git tag --force "v${1%%.*}"
git push --quiet --force origin "v${1%%.*}"
