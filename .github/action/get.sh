#!/usr/bin/env bash
# Finds memguard: a binary that is there, a release whose checksum is pinned beside this file, or one built from the action's own
# source where no release is for this system. Says where in the output `bin`.
set -euo pipefail

fail() {
    echo "::error title=memguard::$1"
    exit 5
}

hand_on() {
    echo "bin=$1" >>"$GITHUB_OUTPUT"
    exit 0
}

# The system as Rust names it.
target() {
    local arch
    case $(uname -m) in
        x86_64 | amd64) arch=x86_64 ;;
        aarch64 | arm64) arch=aarch64 ;;
        *) arch=$(uname -m) ;;
    esac
    case $(uname -s) in
        Linux) echo "$arch-unknown-linux-musl" ;;
        Darwin) echo "$arch-apple-darwin" ;;
        MINGW* | MSYS* | CYGWIN*) echo "$arch-pc-windows-msvc" ;;
        *) echo "$arch-$(uname -s)" ;;
    esac
}

# Files go in by standard input here and below: what Windows calls `D:\a` is an escape to one program, and another machine to the next.
checksum() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum <"$1"
    else
        shasum -a 256 <"$1"
    fi | cut -d ' ' -f 1
}

# Downloads a release, and takes it only if it is what is pinned.
download() {
    local url=$1 wanted=$2 archive=$root/memguard.tar.gz found
    curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$archive" "$url" ||
        fail "could not download $url"
    found=$(checksum "$archive")
    if [ "$found" != "$wanted" ]; then
        rm -f "$archive"
        fail "$url is not what this action pins: its SHA-256 is $found, and it should be $wanted"
    fi
    (cd "$root" && tar -xzf -) <"$archive" || fail "could not unpack $url"
}

build() {
    command -v cargo >/dev/null 2>&1 ||
        fail "there is no released binary for $1, and no cargo to build it with: install Rust, or name a binary in the input \`bin\`"
    echo "::notice title=memguard::there is no released binary for $1: it is built from the action's own source"
    cargo install --quiet --locked --path "$GITHUB_ACTION_PATH" --root "$root"
    hand_on "$root/bin/memguard"
}

# What is built has the environment that the job gave it.
wanted_bin=${MEMGUARD_BIN:-} wanted_version=${MEMGUARD_VERSION:-}
unset MEMGUARD_BIN MEMGUARD_VERSION

if [ -n "$wanted_bin" ]; then
    bin=$(command -v "$wanted_bin") || fail "there is no program \`$wanted_bin\` (the input \`bin\`)"
    case $bin in
        /* | [A-Za-z]:*) ;;
        *) bin=$PWD/$bin ;;
    esac
    hand_on "$bin"
fi

root=$RUNNER_TEMP/memguard
mkdir -p "$root"
releases=$GITHUB_ACTION_PATH/.github/action/releases.txt
# The newest stands last.
newest=$(awk '!/^#/ && NF { version = $1 } END { print version }' "$releases")
version=${wanted_version:-$newest}
version=${version#v}
target=$(target)
pinned=$(awk -v version="$version" -v target="$target" '$1 == version && $2 == target { print $3, $4 }' "$releases")
if [ -n "$pinned" ]; then
    read -r wanted url <<<"$pinned"
    download "$url" "$wanted"
    case $target in
        *windows*) hand_on "$root/memguard.exe" ;;
        *) hand_on "$root/memguard" ;;
    esac
elif [ -n "$wanted_version" ]; then
    fail "this action pins no release $version for $target (the input \`version\`; the newest that it pins is ${newest:-none})"
else
    build "$target"
fi
