#!/usr/bin/env bash
# Finds memguard, or builds it from the action's own source. Says where in the output `bin`.
set -euo pipefail

if [ -n "${BIN:-}" ]; then
    if ! command -v "$BIN" >/dev/null 2>&1; then
        echo "::error title=memguard::there is no program \`$BIN\` (the input \`bin\`)"
        exit 5
    fi
    bin=$(command -v "$BIN")
    case $bin in
        /* | [A-Za-z]:*) ;;
        *) bin=$PWD/$bin ;;
    esac
else
    root=$RUNNER_TEMP/memguard
    if ! command -v cargo >/dev/null 2>&1; then
        echo "::error title=memguard::there is no released binary for this system yet, and no cargo to build it with: install Rust, or name a binary in the input \`bin\`"
        exit 5
    fi
    echo "::notice title=memguard::there is no released binary for this system yet: it is built from source"
    cargo install --quiet --locked --path "$GITHUB_ACTION_PATH" --root "$root"
    bin=$root/bin/memguard
fi
echo "bin=$bin" >>"$GITHUB_OUTPUT"
