#!/usr/bin/env bash
# Runs memguard with the inputs, which came through the environment. Its exit code goes into the output `status`: the step that
# fails for it comes after the artifacts are kept.
set -uo pipefail

program=$MEMGUARD_PROGRAM config=${MEMGUARD_CONFIG:-} level=${MEMGUARD_LEVEL:-} baseline_ref=${MEMGUARD_BASELINE_REF:-}
merge=${MEMGUARD_MERGE:-} args=${MEMGUARD_ARGS:-}
# The workload has the environment that the job gave it.
unset MEMGUARD_PROGRAM MEMGUARD_CONFIG MEMGUARD_LEVEL MEMGUARD_BASELINE_REF MEMGUARD_MERGE MEMGUARD_ARGS

if [ -n "$merge" ]; then
    # What the machines judged stands: there is nothing to configure.
    config='' level='' baseline_ref=''
fi
words=()
if [ -n "$config" ]; then
    words+=(--config "$config")
fi
if [ -n "$level" ]; then
    words+=(--level "$level")
fi
if [ -n "$baseline_ref" ]; then
    words+=("--baseline-ref=$baseline_ref")
fi
args=${args%$'\n'}
if [[ $args == *$'\n'* ]]; then
    while IFS= read -r line; do
        words+=("$line")
    done <<<"$args"
else
    read -ra split <<<"$args"
    words+=(${split[@]+"${split[@]}"})
fi

# True if the arguments or the config name the source `cgroup`. The config is searched as text, not as
# TOML: a group that is not needed stays unused, and if one is missing, memguard itself says so.
asks_for_cgroup() {
    local file=memguard.toml previous='' word
    for word in ${words[@]+"${words[@]}"}; do
        case "$previous $word" in
            *" --") break ;;
            *" --source=cgroup" | "--source cgroup") return 0 ;;
            *" --config="*) file=${word#--config=} ;;
            "--config "*) file=$word ;;
        esac
        previous=$word
    done
    grep -qE "^[^#]*source\"?[[:space:]]*=[[:space:]]*[\"']cgroup[\"']" -- "$file" 2>/dev/null
}

# By one pipe: of two, the runner may read the end of the fence around a workload's output before the last of that output.
exec 2>&1
if [ -n "$merge" ]; then
    "$program" merge ${words[@]+"${words[@]}"} -- "$merge"
elif asks_for_cgroup; then
    bash "$GITHUB_ACTION_PATH/.github/action/group.sh" "$program" run ${words[@]+"${words[@]}"}
else
    "$program" run ${words[@]+"${words[@]}"}
fi
status=$?
echo "status=$status" >>"$GITHUB_OUTPUT"
