#!/usr/bin/env bash
# Runs memguard with the inputs, which came through the environment. Its exit code goes into the output `status`: the step that
# fails for it comes after the artifacts are kept.
set -uo pipefail

if [ -n "${MERGE:-}" ]; then
    # What the machines judged stands: there is nothing to configure.
    CONFIG='' LEVEL='' BASELINE_REF=''
fi
words=()
if [ -n "${CONFIG:-}" ]; then
    words+=(--config "$CONFIG")
fi
if [ -n "${LEVEL:-}" ]; then
    words+=(--level "$LEVEL")
fi
if [ -n "${BASELINE_REF:-}" ]; then
    words+=("--baseline-ref=$BASELINE_REF")
fi
args=${ARGS:-}
args=${args%$'\n'}
if [[ $args == *$'\n'* ]]; then
    while IFS= read -r line; do
        words+=("$line")
    done <<<"$args"
else
    read -ra split <<<"$args"
    words+=(${split[@]+"${split[@]}"})
fi

if [ -n "${MERGE:-}" ]; then
    "$MEMGUARD" merge ${words[@]+"${words[@]}"} -- "$MERGE"
else
    "$MEMGUARD" run ${words[@]+"${words[@]}"}
fi
status=$?
echo "status=$status" >>"$GITHUB_OUTPUT"
