#!/usr/bin/env bash
# Runs memguard with the inputs, which came through the environment. Its exit code goes into the output `status`: the step that
# fails for it comes after the artifacts are kept.
set -uo pipefail

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

"$MEMGUARD" run ${words[@]+"${words[@]}"}
status=$?
echo "status=$status" >>"$GITHUB_OUTPUT"
