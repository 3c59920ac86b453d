#!/usr/bin/env bash
# Packs a release, named as `cargo binstall` and the action look for it: pack.sh TARGET PROGRAM FOLDER
set -euo pipefail

target=$1 program=$2 folder=$3
root=$(dirname "${BASH_SOURCE[0]}")/../..
staged=$folder/memguard-$target

mkdir -p "$staged/completions" "$staged/man"
cp "$program" "$root/README.md" "$root/CHANGELOG.md" "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$staged"
# As each shell wants its file to be called.
"$program" completions bash >"$staged/completions/memguard.bash"
"$program" completions zsh >"$staged/completions/_memguard"
"$program" completions fish >"$staged/completions/memguard.fish"
"$program" completions elvish >"$staged/completions/memguard.elv"
"$program" completions powershell >"$staged/completions/_memguard.ps1"
"$program" man --dir "$staged/man"

# The program lies at the top. Through standard output: a name with a colon, as on Windows, is another machine to tar.
(cd "$staged" && tar -cf - -- *) | gzip -9 >"$folder/memguard-$target.tar.gz"
rm -r "$staged"
