#!/usr/bin/env bash
# Installs what the repository's commands need, and nothing that is there already.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: tools/setup.sh [build|demo|otlp|test|matrix|clickhouse|fuzz]

  build        Rust with wasm32, wasm-bindgen, npm packages
  demo         the same, and Chromium with chromedriver
  otlp         the same, and an OpenTelemetry collector
  test         the same, wasm-pack and valgrind (default)
  matrix       the same as demo, wasm-pack, Firefox and WebKit with their drivers
  clickhouse   Rust with wasm32, wasm-bindgen, npm packages, the collector and ClickHouse's engine
  fuzz         Rust and cargo-fuzz

Tools go into $WASM_TELEMETRY_TOOLS, by default ~/.cache/wasm-telemetry/tools.
USAGE
}

WASM_PACK_VERSION=0.15.1
CARGO_FUZZ_VERSION=0.13.2
ROTEL_VERSION=0.0.1a15
CHDB_VERSION=26.9.0
GECKODRIVER_VERSION=0.37.1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=${WASM_TELEMETRY_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/wasm-telemetry/tools}
PATH=$tools/bin:$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
hash -r

say() { printf 'setup: %s\n' "$*"; }
die() {
  printf 'setup: error: %s\n' "$1" >&2
  shift
  for line in "$@"; do printf '       %s\n' "$line" >&2; done
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

main() {
  local part=${1:-test}
  case $part in
    build | demo | otlp | test | matrix | clickhouse | fuzz) ;;
    -h | --help) usage && exit ;;
    *) usage >&2 && exit 2 ;;
  esac
  cd "$root"
  take_turns
  rust
  if [ "$part" = fuzz ]; then
    has node || die 'Node.js is missing.' 'Install Node.js 20 or later: https://nodejs.org/en/download'
    has c++ || die 'a C++ compiler (c++) is missing; libFuzzer is compiled with it.' \
      'Debian, Ubuntu: apt-get install g++    macOS: xcode-select --install'
    cargo_tool cargo-fuzz "$CARGO_FUZZ_VERSION" --locked
    return
  fi
  wasm_bindgen
  npm_packages
  case $part in demo | otlp | test | matrix) browser ;; esac
  case $part in otlp | test | clickhouse) collector ;; esac
  if [ "$part" = clickhouse ]; then clickhouse; fi
  case $part in test | matrix) cargo_tool wasm-pack "$WASM_PACK_VERSION" --locked ;; esac
  if [ "$part" = test ]; then valgrind; fi
  if [ "$part" = matrix ]; then other_browsers; fi
}

# Two set-ups at once would install over each other. macOS has no flock: there nobody waits.
take_turns() {
  mkdir -p "$tools"
  has flock || return 0
  exec 9>"$tools/.lock"
  flock --nonblock 9 && return
  say 'another set-up is running: waiting for it'
  flock 9
}

rust() {
  local channel libraries
  channel=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
  if ! rust_is "$channel"; then
    has rustup || die "Rust $channel is missing, and so is rustup, which installs it." \
      'Get rustup from https://rustup.rs, open a new shell, and run this again.'
    say "Rust $channel: installing with rustup"
    rustup toolchain install "$channel" --profile minimal --component rustfmt,clippy \
      --target wasm32-unknown-unknown ||
      die "rustup could not install Rust $channel (its message is above)." \
        'If that version is installed under another name, say which: RUSTUP_TOOLCHAIN=stable make …'
    rust_is "$channel" || die "rustup installed Rust $channel, but rustc here is $(rustc -V 2>&1)." \
      'Unset RUSTUP_TOOLCHAIN, and see that rustup comes before any other rustc on the PATH.'
  fi
  say "Rust $channel with wasm32-unknown-unknown: ok"
  has cc || die 'a C linker (cc) is missing; cargo needs one.' \
    'Debian, Ubuntu: apt-get install gcc libc6-dev    macOS: xcode-select --install'
}

rust_is() {
  has cargo-clippy && has cargo-fmt || return 1
  case $(rustc --version 2>/dev/null) in "rustc $1 "*) ;; *) return 1 ;; esac
  libraries=$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null)
  [ -d "$libraries" ]
}

# Its output and the wasm-bindgen crate's speak a private protocol: the versions must be equal.
wasm_bindgen() {
  local version
  [ -f Cargo.lock ] || die 'Cargo.lock is missing; it names the version of wasm-bindgen.' \
    'Restore it: git checkout Cargo.lock'
  version=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' Cargo.lock)
  [ -n "$version" ] || die 'Cargo.lock names no wasm-bindgen.' 'Restore it: git checkout Cargo.lock'
  # Without --locked: its lock file may name versions that a registry mirror does not have yet.
  cargo_tool wasm-bindgen-cli "$version"
}

cargo_tool() {
  local crate=$1 version=$2 binary=${1%-cli} quiet=''
  shift 2
  if [ "$(installed_version "$binary")" != "$version" ]; then
    say "$crate $version: compiling into $tools, which takes a few minutes"
    [ -t 2 ] || quiet=--quiet
    # From outside the repository, so that its cargo settings for wasm32 do not apply.
    (cd "$tools" && cargo install "$crate" --version "$version" --root "$tools" --force \
      ${quiet:+"$quiet"} "$@" 9>&-) || die "cargo could not install $crate $version (see above)."
    hash -r
    [ "$(installed_version "$binary")" = "$version" ] ||
      die "$tools/bin/$binary does not run, or is not version $version."
  fi
  say "$crate $version: ok"
}

installed_version() { has "$1" && "$1" --version 2>/dev/null | awk 'NR == 1 { print $2 }'; }

npm_packages() {
  { has node && has npm; } || die 'Node.js or npm is missing.' \
    'Install Node.js 20 or later: https://nodejs.org/en/download'
  node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' ||
    die "Node.js is $(node --version); version 20 or later is needed." \
      'Get it from https://nodejs.org/en/download'
  if ! node tools/modules-current.mjs; then
    say 'npm packages: installing as package-lock.json says'
    npm ci --no-audit --no-fund --loglevel=error 9>&- || die 'npm ci failed (see above).'
  fi
  say 'npm packages: ok'
}

browser() {
  if ! browser_is_there; then
    has apt-get || die 'Chromium or chromedriver is missing from the PATH.' \
      'macOS: brew install --cask chromium chromedriver' \
      'elsewhere: install Chromium and the chromedriver of the same version'
    say 'Chromium and chromedriver: installing with apt-get'
    local packages='chromium chromium-driver'
    if grep -qs '^ID=ubuntu' /etc/os-release; then
      packages='chromium-browser chromium-chromedriver'
    fi
    # shellcheck disable=SC2086 # two words on purpose
    { as_root apt-get update -qq &&
      as_root apt-get install -y -qq --no-install-recommends $packages; } ||
      die "apt-get could not install $packages." "As root: apt-get update && apt-get install $packages"
    hash -r
    browser_is_there || die "$packages are installed, but no browser or no chromedriver is on the PATH."
  fi
  say 'Chromium and chromedriver: ok'
}

browser_is_there() {
  has chromedriver || return 1
  has chromium || has chromium-browser || has google-chrome ||
    [ -d '/Applications/Chromium.app' ] || [ -d '/Applications/Google Chrome.app' ]
}

# A program that comes as a Python package, and is linked with Python's library.
collector() {
  local program="$tools/bin/rotel" libraries
  if ! [ -d "$tools/rotel-$ROTEL_VERSION" ] || ! "$program" --version >/dev/null 2>&1; then
    rm -rf "$tools/rotel-$ROTEL_VERSION"
    python_package rotel "$ROTEL_VERSION" '30 MB'
    libraries=$(python3 -c 'import sysconfig; print(sysconfig.get_config_var("LIBDIR"))')
    mkdir -p "$tools/bin"
    printf '#!/bin/sh\n%s exec "%s" "$@"\n' \
      "LD_LIBRARY_PATH=\"$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\"" \
      "$tools/rotel-$ROTEL_VERSION/rotel/rotel-agent" >"$program"
    chmod +x "$program"
    "$program" --version >/dev/null || die "the collector, $program, does not run (see above)." \
      "If Python's library is missing, Debian, Ubuntu: apt-get install libpython3-dev"
  fi
  say "rotel $ROTEL_VERSION: ok"
}

clickhouse() {
  [ -d "$tools/chdb-core-$CHDB_VERSION" ] || python_package chdb-core "$CHDB_VERSION" '560 MB'
  say "chdb-core $CHDB_VERSION: ok"
}

# Into a folder of its own, so that neither the system's packages nor another project's change.
python_package() {
  local package=$1 version=$2 size=$3
  local folder="$tools/$package-$version"
  has python3 || die "python3 is missing; $package comes as a Python package." \
    'Debian, Ubuntu: apt-get install python3-pip    macOS: brew install python'
  python3 -m pip --version >/dev/null 2>&1 || die 'pip is missing (python3 -m pip).' \
    'Debian, Ubuntu: apt-get install python3-pip    elsewhere: python3 -m ensurepip'
  say "$package $version: installing with pip into $tools, $size"
  rm -rf "$folder.new"
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --no-deps --no-compile --only-binary=:all: --target="$folder.new" "$package==$version" 9>&- ||
    die "pip could not install $package $version (see above)." \
      'It is made for Python 3.10 to 3.13, on macOS and on Linux with glibc 2.34 or later.'
  mv "$folder.new" "$folder"
}

# Debian's. Elsewhere the matrix goes on without those that are missing, and its table says so.
other_browsers() {
  if ! { has firefox && has WebKitWebDriver && has Xvfb; }; then
    local packages='firefox-esr webkit2gtk-driver xvfb'
    if ! has apt-get; then
      say "Firefox, WebKitWebDriver or Xvfb is missing (Debian's packages: $packages): going on without"
      return 0
    fi
    say 'Firefox and WebKit: installing with apt-get'
    # shellcheck disable=SC2086 # several words on purpose
    { as_root apt-get update -qq &&
      as_root apt-get install -y -qq --no-install-recommends $packages; } ||
      die "apt-get could not install $packages." "As root: apt-get update && apt-get install $packages"
    hash -r
  fi
  say 'Firefox and WebKit: ok'
  cargo_tool geckodriver "$GECKODRIVER_VERSION" --locked
}

# It counts instructions, and runs on Linux.
valgrind() {
  [ "$(uname -s)" = Linux ] || return 0
  if ! [ -x "$(type -P valgrind)" ]; then
    has apt-get || die 'valgrind is missing from the PATH.' 'Install it with the package manager.'
    say 'valgrind: installing with apt-get'
    { as_root apt-get update -qq &&
      as_root apt-get install -y -qq --no-install-recommends valgrind libc6-dbg; } ||
      die 'apt-get could not install valgrind.' 'As root: apt-get update && apt-get install valgrind'
    hash -r
  fi
  say 'valgrind: ok'
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    DEBIAN_FRONTEND=noninteractive "$@" >/dev/null 9>&-
  else
    sudo -n DEBIAN_FRONTEND=noninteractive "$@" >/dev/null 9>&-
  fi
}

main "$@"
